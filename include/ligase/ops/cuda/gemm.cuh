#pragma once

#include <ligase/ops/cuda/matmul.cuh>


/// Matrix products of row-major tensors by cuBLASLt. The kernel is chosen by the shape of the weight alone and sums over the
/// whole depth in one go, so a row of the result has the same bits at every place of every batch.
namespace ligase::inline LIGASE_ISA::device {

template <class T>
void gemm_nt(Context<cuda>&, Index, const Tensor<T, cuda>& a, const Tensor<T, cuda>& b, Tensor<T, cuda>& c) {
  const Index n = b.size(0), k = b.size(1), m = k == 0 ? 0 : a.count() / k;
  if (k == 0) c.set_zero();
  blas::multiply_rows(blas::Product{.m = n, .k = k, .transpose_a = true, .a_type = blas::type_of<T>, .c_type = blas::type_of<T>},
                      b.data(), a.data(), m, c.data());
}

template <class T>
void gemm_nn(Context<cuda>&, Index, const Tensor<T, cuda>& a, const Tensor<T, cuda>& b, Tensor<T, cuda>& c) {
  const Index k = b.size(0), n = b.size(1), m = k == 0 ? 0 : a.count() / k;
  if (k == 0) c.set_zero();
  blas::multiply_rows(blas::Product{.m = n, .k = k, .transpose_a = false, .a_type = blas::type_of<T>, .c_type = blas::type_of<T>},
                      b.data(), a.data(), m, c.data());
}

/// Rows are summed in an order that depends on their number and on the shape of C alone.
template <class T>
void gemm_tn_add(Context<cuda>&, const Tensor<T, cuda>& a, const Tensor<T, cuda>& b, Tensor<wide_t<T>, cuda>& c) {
  const Index n = c.size(0), k = c.size(1), m = n == 0 ? 0 : a.count() / n;
  blas::add_outer(blas::Product{.m = k, .n = n, .transpose_b = true, .a_type = blas::type_of<T>, .c_type = blas::type_of<wide_t<T>>},
                  b.data(), a.data(), m, c.data());
}

}  // namespace ligase::inline LIGASE_ISA::device
