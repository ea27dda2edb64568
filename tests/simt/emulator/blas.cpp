#include <cublasLt.h>

#include "device_memory.hpp"

#include <ligase/core/bfloat16.hpp>

#include <simt/control.hpp>

#include <array>
#include <cstring>
#include <vector>

namespace {

using Layout = cublasLtMatrixLayoutOpaque_t;
using Description = cublasLtMatmulDescOpaque_t;

std::size_t bytes_of(cudaDataType_t type) { return type == CUDA_R_64F ? 8 : type == CUDA_R_16BF ? 2 : 4; }

double read(const void* p, cudaDataType_t type, std::size_t i) {
  if (type == CUDA_R_64F) return static_cast<const double*>(p)[i];
  if (type == CUDA_R_16BF) return static_cast<float>(static_cast<const ligase::bfloat16*>(p)[i]);
  return static_cast<const float*>(p)[i];
}
void write(void* p, cudaDataType_t type, std::size_t i, double x) {
  if (type == CUDA_R_64F)
    static_cast<double*>(p)[i] = x;
  else if (type == CUDA_R_16BF)
    static_cast<ligase::bfloat16*>(p)[i] = ligase::bfloat16(static_cast<float>(x));
  else
    static_cast<float*>(p)[i] = static_cast<float>(x);
}

/// Whether a product of these types and sizes exists.
bool fits(const Description& description, const Layout& a, const Layout& b, const Layout& c, const Layout& d) {
  const bool ta = description.transpose_a == CUBLAS_OP_T, tb = description.transpose_b == CUBLAS_OP_T;
  const auto m = ta ? a.columns : a.rows, ka = ta ? a.rows : a.columns;
  const auto n = tb ? b.rows : b.columns, kb = tb ? b.columns : b.rows;
  const bool wide = description.compute == CUBLAS_COMPUTE_64F;
  for (const Layout* l : {&a, &b, &c, &d})
    if (l->rows == 0 || l->columns == 0 || l->column_stride < static_cast<std::int64_t>(l->rows) || l->batch != d.batch)
      return false;
  return ka == kb && c.rows == m && c.columns == n && d.rows == m && d.columns == n && a.type == b.type &&
         c.type == d.type && (a.type == CUDA_R_64F) == wide && (d.type == CUDA_R_64F) == wide &&
         (a.type == CUDA_R_16BF || a.type == d.type) && (description.scale == CUDA_R_64F) == wide;
}

/// Types, transposes and alignments of a product.
cublasLtMatmulAlgo_t made_for(const Description& description, const Layout& a, const Layout& d,
                              const std::array<std::uint32_t, 4>& alignment) {
  return {{1, static_cast<std::uint64_t>(a.type), static_cast<std::uint64_t>(d.type),
           std::uint64_t{description.transpose_a} * 2 + std::uint64_t{description.transpose_b}, alignment[0], alignment[1],
           alignment[2], alignment[3]}};
}
bool is_made_for(const cublasLtMatmulAlgo_t& algo, const Description& description, const Layout& a, const Layout& d) {
  const auto expected = made_for(description, a, d, {});
  return std::memcmp(algo.data, expected.data, 4 * sizeof(std::uint64_t)) == 0;
}
/// Whether all columns begin where the kernel wants them to.
bool is_aligned(const void* p, const Layout& l, std::uint64_t alignment) {
  const std::size_t stride = static_cast<std::size_t>(l.column_stride) * bytes_of(l.type);
  return reinterpret_cast<std::uintptr_t>(p) % alignment == 0 && (l.columns == 1 || stride % alignment == 0);
}
/// Whether the last element of the last matrix lies in the device's piece that `p` is in.
bool is_there(const void* p, const Layout& l) {
  const auto last = static_cast<std::size_t>(l.batch - 1) * static_cast<std::size_t>(l.batch_stride) +
                    (l.columns - 1) * static_cast<std::size_t>(l.column_stride) + l.rows;
  return simt::is_inside(p, last * bytes_of(l.type));
}

std::size_t place(const Layout& l, std::int32_t batch, std::uint64_t row, std::uint64_t column) {
  return static_cast<std::size_t>(batch) * static_cast<std::size_t>(l.batch_stride) +
         column * static_cast<std::size_t>(l.column_stride) + row;
}
/// The rows of a matrix, or its columns, one after another.
std::vector<double> vectors(const void* p, const Layout& l, std::int32_t batch, bool rows) {
  std::vector<double> values;
  values.reserve(l.rows * l.columns);
  for (std::uint64_t i = 0; i < (rows ? l.rows : l.columns); ++i)
    for (std::uint64_t k = 0; k < (rows ? l.columns : l.rows); ++k)
      values.push_back(read(p, l.type, rows ? place(l, batch, i, k) : place(l, batch, k, i)));
  return values;
}

template <class T>
T value_of(const void* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

}  // namespace

struct cublasLtContext {};

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  *handle = new cublasLtContext;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* description, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
  *description = new Description{compute, scale, CUBLAS_OP_N, CUBLAS_OP_N};
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t description) {
  delete description;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t description, cublasLtMatmulDescAttributes_t name,
                                              const void* value, std::size_t bytes) {
  if (bytes != sizeof(cublasOperation_t)) return CUBLAS_STATUS_INVALID_VALUE;
  if (name == CUBLASLT_MATMUL_DESC_TRANSA)
    description->transpose_a = value_of<cublasOperation_t>(value);
  else if (name == CUBLASLT_MATMUL_DESC_TRANSB)
    description->transpose_b = value_of<cublasOperation_t>(value);
  else
    return CUBLAS_STATUS_NOT_SUPPORTED;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType_t type, std::uint64_t rows,
                                          std::uint64_t columns, std::int64_t column_stride) {
  *layout = new Layout{type, rows, columns, column_stride, 1, 0};
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  delete layout;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t name,
                                                const void* value, std::size_t bytes) {
  if (name == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT && bytes == sizeof layout->batch)
    layout->batch = value_of<std::int32_t>(value);
  else if (name == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET && bytes == sizeof layout->batch_stride)
    layout->batch_stride = value_of<std::int64_t>(value);
  else
    return CUBLAS_STATUS_INVALID_VALUE;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  *preference = new cublasLtMatmulPreferenceOpaque_t{0, CUBLASLT_REDUCTION_SCHEME_MASK, {256, 256, 256, 256}};
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  delete preference;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t name, const void* value,
                                                    std::size_t bytes) {
  if (bytes != (name == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES ? 8u : 4u)) return CUBLAS_STATUS_INVALID_VALUE;
  if (name == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES)
    preference->work_bytes = value_of<std::uint64_t>(value);
  else if (name == CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK)
    preference->reduction = value_of<std::uint32_t>(value);
  else
    preference->alignment[name - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES] = value_of<std::uint32_t>(value);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t description,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int wanted,
                                              cublasLtMatmulHeuristicResult_t* results, int* found) {
  *found = 0;
  if (wanted < 1 || !fits(*description, *a, *b, *c, *d)) return CUBLAS_STATUS_INVALID_VALUE;
  results[0] = {};
  results[0].algo = made_for(*description, *a, *d, std::to_array(preference->alignment));
  results[0].state = CUBLAS_STATUS_SUCCESS;
  *found = 1;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t, cublasLtMatmulDesc_t description, cublasLtMatrixLayout_t a,
                                       cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                       const cublasLtMatmulAlgo_t* algo, cublasLtMatmulHeuristicResult_t* result) {
  if (!fits(*description, *a, *b, *c, *d) || !is_made_for(*algo, *description, *a, *d))
    return CUBLAS_STATUS_NOT_SUPPORTED;
  *result = {};
  result->algo = *algo;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t description, const void* alpha,
                              const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                              cublasLtMatrixLayout_t b_layout, const void* beta, const void* c,
                              cublasLtMatrixLayout_t c_layout, void* d, cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t* algo, void* work, std::size_t work_bytes,
                              cudaStream_t stream) {
  if (handle == nullptr || !fits(*description, *a_layout, *b_layout, *c_layout, *d_layout)) return CUBLAS_STATUS_INVALID_VALUE;
  if (work_bytes > 0 && !simt::is_inside(work, work_bytes)) return CUBLAS_STATUS_INVALID_VALUE;
  if (algo != nullptr &&
      (!is_made_for(*algo, *description, *a_layout, *d_layout) || !is_aligned(a, *a_layout, algo->data[4]) ||
       !is_aligned(b, *b_layout, algo->data[5]) || !is_aligned(c, *c_layout, algo->data[6]) ||
       !is_aligned(d, *d_layout, algo->data[7])))
    return CUBLAS_STATUS_NOT_SUPPORTED;
  const double by = read(alpha, description->scale, 0), plus = read(beta, description->scale, 0);
  simt::submit(stream, [=, op = *description, la = *a_layout, lb = *b_layout, lc = *c_layout, ld = *d_layout] {
    if (!is_there(a, la) || !is_there(b, lb) || !is_there(c, lc) || !is_there(d, ld))
      throw simt::Violation("a product of matrices that do not lie in device memory");
    const simt::DeviceAccess access;
    const bool ta = op.transpose_a == CUBLAS_OP_T, tb = op.transpose_b == CUBLAS_OP_T;
    const std::uint64_t depth = ta ? la.rows : la.columns;
    for (std::int32_t batch = 0; batch < ld.batch; ++batch) {
      const std::vector<double> rows = vectors(a, la, batch, !ta), columns = vectors(b, lb, batch, tb);
      for (std::uint64_t j = 0; j < ld.columns; ++j)
        for (std::uint64_t i = 0; i < ld.rows; ++i) {
          double sum = 0;
          for (std::uint64_t p = 0; p < depth; ++p) sum += rows[i * depth + p] * columns[j * depth + p];
          sum *= by;
          if (plus != 0) sum += plus * read(c, lc.type, place(lc, batch, i, j));
          write(d, ld.type, place(ld, batch, i, j), sum);
        }
    }
  });
  return CUBLAS_STATUS_SUCCESS;
}
