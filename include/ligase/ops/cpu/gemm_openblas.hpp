#pragma once

#include <ligase/core/tensor.hpp>

#include <type_traits>

#ifdef LIGASE_WITH_OPENBLAS
#include <cblas.h>

/// The same functions as in gemm_eigen.hpp, as calls of OpenBLAS. A row's bits depend on its operands and its place in the
/// tile, as some of OpenBLAS's kernels sum the last rows in another order; never on its neighbours. They also depend on the
/// processor, for which OpenBLAS chooses its kernels at run time. OpenBLAS is set to one thread per call, for the whole
/// process: ligase splits products over threads itself.
namespace ligase::inline LIGASE_ISA::device::gemm_detail {

/// C = A B + beta C, row-major; A is read as its transpose where `transposed`.
template <class T>
void blas_gemm(bool transposed, Index m, Index n, Index k, const T* a, Index a_stride, const T* b, Index b_stride, T beta,
               T* c, Index c_stride) {
  [[maybe_unused]] static const bool single = (openblas_set_num_threads(1), true);
  const auto size = [](Index i) { return static_cast<blasint>(i); };
  const auto order = transposed ? CblasTrans : CblasNoTrans;
  const auto call = [&](auto gemm) {
    gemm(CblasRowMajor, order, CblasNoTrans, size(m), size(n), size(k), T(1), a, size(a_stride), b,
         size(b_stride), beta, c, size(c_stride));
  };
  if constexpr (std::is_same_v<T, float>)
    call(cblas_sgemm);
  else
    call(cblas_dgemm);
}

/// A weight [depth, outputs] kept by rows and used by many tiles. Outputs are padded with zeros to whole kernels.
template <class T>
struct PackedWeight {
  Index depth = 0, outputs = 0, padded_outputs = 0;
  Tensor<T, cpu> panels;

  /// `by_rows`: from [outputs, depth] in memory; otherwise from [depth, outputs].
  template <bool by_rows>
  static PackedWeight pack(const T* w, Index depth, Index outputs) {
    PackedWeight packed{depth, outputs, round_up(outputs, 16), {}};
    packed.panels = Tensor<T, cpu>::zeros({depth, packed.padded_outputs});
    for (Index k = 0; k < depth; ++k)
      for (Index j = 0; j < outputs; ++j)
        packed.panels.data()[k * packed.padded_outputs + j] = by_rows ? w[j * depth + k] : w[k * outputs + j];
    return packed;
  }
};

/// C = A W for a tile's rows of A, all padded outputs.
template <class T>
void multiply_full_tile(const PackedWeight<T>& w, Index rows, const T* a, Index a_stride, T* c, Index c_stride) {
  blas_gemm(false, rows, w.padded_outputs, w.depth, a, a_stride, w.panels.data(), w.padded_outputs, T(0), c, c_stride);
}

/// C += A^T B for rows of A [rows, n] and B [rows, k], C: [n, k].
template <class T>
void add_outer_tile(Index rows, Index n, Index k, const T* a, Index a_stride, const T* b, Index b_stride, T* c,
                    Index c_stride) {
  blas_gemm(true, n, k, rows, a, a_stride, b, b_stride, T(1), c, c_stride);
}

}  // namespace ligase::inline LIGASE_ISA::device::gemm_detail
#endif
