#pragma once

#include <ligase/core/bfloat16.hpp>
#include <ligase/core/context.hpp>
#include <ligase/core/cuda/runtime.cuh>
#include <ligase/core/tensor.hpp>

#include <cublasLt.h>

#include <algorithm>
#include <compare>
#include <map>
#include <memory>
#include <mutex>

/// cuBLASLt, which thinks in columns: C [m, n] = op(A) op(B) (+ C), each matrix column after column without gaps.
namespace ligase::inline LIGASE_ISA::device::blas {

inline void check(cublasStatus_t status, const char* call) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw Error{{.kind = ErrorKind::io, .what = std::string("the GPU refused ") + call, .found = "status " + std::to_string(status)}};
}

template <class T>
inline constexpr cudaDataType_t type_of = CUDA_R_32F;
template <>
inline constexpr cudaDataType_t type_of<double> = CUDA_R_64F;
template <>
inline constexpr cudaDataType_t type_of<bfloat16> = CUDA_R_16BF;

constexpr Index bytes_of(cudaDataType_t type) { return type == CUDA_R_64F ? 8 : type == CUDA_R_16BF ? 2 : 4; }

/// A and B have one type. Sums are taken in float, of doubles in double; float products are not rounded to shorter numbers.
struct Product {
  Index m = 0, n = 0, k = 0;
  bool transpose_a = false, transpose_b = false;
  cudaDataType_t a_type = CUDA_R_32F, c_type = CUDA_R_32F;
  bool split_depth = false;  ///< the sum over k may be taken in parts, which are then added in a fixed order

  friend auto operator<=>(const Product&, const Product&) = default;
};

template <class Handle, cublasStatus_t (*destroy)(Handle)>
struct Destroy {
  void operator()(Handle h) const { destroy(h); }
};
using Operation = std::unique_ptr<cublasLtMatmulDescOpaque_t, Destroy<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>>;
using Layout = std::unique_ptr<cublasLtMatrixLayoutOpaque_t, Destroy<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>>;
using Preference =
    std::unique_ptr<cublasLtMatmulPreferenceOpaque_t, Destroy<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>>;

/// Handle, work space and the kernels chosen so far. Never destroyed.
struct Library {
  static constexpr Index work_bytes = Index{1} << 25;
  cublasLtHandle_t handle = nullptr;
  void* work = nullptr;
  std::mutex mutex;
  std::map<Product, cublasLtMatmulAlgo_t> chosen;

  Library() {
    check(cublasLtCreate(&handle), "cublasLtCreate");
    check_cuda(cudaMalloc(&work, static_cast<std::size_t>(work_bytes)), "cudaMalloc");
  }
};
inline Library& library() {
  static Library& instance = *new Library;
  return instance;
}

/// The descriptions that cuBLASLt wants of one product.
class Plan {
 public:
  explicit Plan(const Product& p)
      : product_(p), a_(layout(p.a_type, p.transpose_a ? p.k : p.m, p.transpose_a ? p.m : p.k)),
        b_(layout(p.a_type, p.transpose_b ? p.n : p.k, p.transpose_b ? p.k : p.n)), c_(layout(p.c_type, p.m, p.n)) {
    const bool wide = p.a_type == CUDA_R_64F;
    cublasLtMatmulDesc_t desc = nullptr;
    check(cublasLtMatmulDescCreate(&desc, wide ? CUBLAS_COMPUTE_64F : CUBLAS_COMPUTE_32F, wide ? CUDA_R_64F : CUDA_R_32F),
          "cublasLtMatmulDescCreate");
    operation_.reset(desc);
    set_transpose(CUBLASLT_MATMUL_DESC_TRANSA, p.transpose_a);
    set_transpose(CUBLASLT_MATMUL_DESC_TRANSB, p.transpose_b);
  }

  /// The first kernel that the library proposes for pointers that are aligned as the rows are.
  cublasLtMatmulAlgo_t choose() const {
    cublasLtMatmulPreference_t made = nullptr;
    check(cublasLtMatmulPreferenceCreate(&made), "cublasLtMatmulPreferenceCreate");
    const Preference preference(made);
    const auto set = [&](cublasLtMatmulPreferenceAttributes_t name, const auto& value) {
      check(cublasLtMatmulPreferenceSetAttribute(made, name, &value, sizeof value), "cublasLtMatmulPreferenceSetAttribute");
    };
    set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, static_cast<std::uint64_t>(Library::work_bytes));
    set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
        static_cast<std::uint32_t>(product_.split_depth ? CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE : CUBLASLT_REDUCTION_SCHEME_NONE));
    const Index element = bytes_of(product_.a_type), c_element = bytes_of(product_.c_type);
    set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment(element * (product_.transpose_a ? product_.k : product_.m)));
    set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment(element * (product_.transpose_b ? product_.n : product_.k)));
    set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment(c_element * product_.m));
    set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment(c_element * product_.m));
    cublasLtMatmulHeuristicResult_t found{};
    int count = 0;
    check(cublasLtMatmulAlgoGetHeuristic(library().handle, operation_.get(), a_.get(), b_.get(), c_.get(), c_.get(), made, 1,
                                         &found, &count),
          "cublasLtMatmulAlgoGetHeuristic");
    if (count == 0) throw Error{{.kind = ErrorKind::internal, .what = "cuBLASLt has no kernel for a matrix product"}};
    return found.algo;
  }

  /// C = op(A) op(B), or C += where `add`.
  void run(const cublasLtMatmulAlgo_t& algo, const void* a, const void* b, void* c, bool add) const {
    const double one = 1, beta = add ? 1 : 0;
    const float one_float = 1, beta_float = add ? 1 : 0;
    const bool wide = product_.a_type == CUDA_R_64F;
    check(cublasLtMatmul(library().handle, operation_.get(), wide ? static_cast<const void*>(&one) : &one_float, a, a_.get(), b,
                         b_.get(), wide ? static_cast<const void*>(&beta) : &beta_float, c, c_.get(), c, c_.get(), &algo,
                         library().work, static_cast<std::size_t>(Library::work_bytes), stream()),
          "cublasLtMatmul");
  }

 private:
  static Layout layout(cudaDataType_t type, Index rows, Index columns) {
    cublasLtMatrixLayout_t made = nullptr;
    check(cublasLtMatrixLayoutCreate(&made, type, static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(columns), rows),
          "cublasLtMatrixLayoutCreate");
    return Layout(made);
  }
  void set_transpose(cublasLtMatmulDescAttributes_t name, bool transpose) {
    const cublasOperation_t value = transpose ? CUBLAS_OP_T : CUBLAS_OP_N;
    check(cublasLtMatmulDescSetAttribute(operation_.get(), name, &value, sizeof value), "cublasLtMatmulDescSetAttribute");
  }
  static std::uint32_t alignment(Index column_bytes) {
    return static_cast<std::uint32_t>(std::min<Index>(256, column_bytes & -column_bytes));
  }

  Product product_;
  Operation operation_;
  Layout a_, b_, c_;
};

/// The kernel for `p`, chosen once per process.
inline cublasLtMatmulAlgo_t algorithm(const Product& p) {
  const std::lock_guard lock(library().mutex);
  const auto found = library().chosen.find(p);
  if (found != library().chosen.end()) return found->second;
  return library().chosen.emplace(p, Plan(p).choose()).first->second;
}

/// Rows of one call: cuBLASLt's kernels are not trusted beyond 2^31 elements.
inline constexpr Index most_rows = Index{1} << 20;

/// C = op(A) B for `rows` columns of B and C, which are the rows of row-major tensors. The kernel is that for 2^16 of them.
inline void multiply_rows(Product p, const void* a, const void* b, Index rows, void* c) {
  if (p.m == 0 || p.k == 0 || is_planning()) return;
  p.n = Index{1} << 16;
  const cublasLtMatmulAlgo_t algo = algorithm(p);
  for (Index first = 0; first < rows; first += most_rows) {
    p.n = std::min(most_rows, rows - first);
    Plan(p).run(algo, a, static_cast<const std::byte*>(b) + first * p.k * bytes_of(p.a_type),
                static_cast<std::byte*>(c) + first * p.m * bytes_of(p.c_type), false);
  }
}

/// C += A op(B), summed over `rows`, in calls of at most most_rows.
inline void add_outer(Product p, const void* a, const void* b, Index rows, void* c) {
  if (p.m == 0 || p.n == 0 || is_planning()) return;
  p.split_depth = true;
  for (Index first = 0; first < rows; first += most_rows) {
    p.k = std::min(most_rows, rows - first);
    Plan(p).run(algorithm(p), static_cast<const std::byte*>(a) + first * p.m * bytes_of(p.a_type),
                static_cast<const std::byte*>(b) + first * p.n * bytes_of(p.a_type), c, true);
  }
}

}  // namespace ligase::inline LIGASE_ISA::device::blas
