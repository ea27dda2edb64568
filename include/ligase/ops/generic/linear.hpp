#pragma once

#include <ligase/ops/generic/convert.hpp>
#include <ligase/ops/generic/sum_rows.hpp>

namespace ligase::inline LIGASE_ISA::generic {

template <class T>
struct AddBias {
  const wide_t<T>* bias;
  Index width;
  T* y;
  LIGASE_HD void operator()(Index row) const {
    for (Index j = 0; j < width; ++j) y[row * width + j] = y[row * width + j] + bias[j];
  }
};

template <Device D, class T>
void linear_forward(Context<D>& context, const Tensor<T, D>& x, const Tensor<wide_t<T>, D>& weight,
                    const Tensor<wide_t<T>, D>& bias, Tensor<T, D>& y) {
  gemm_nt(context, x.size(-2), x, as<T>(context, weight), y);
  if (!bias.empty()) for_rows(context, y.count() / y.size(-1), AddBias<T>{bias.data(), y.size(-1), y.data()});
}

template <Device D, class T>
void linear_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& x,
                     const Tensor<wide_t<T>, D>& weight, Tensor<T, D>& dx, Tensor<wide_t<T>, D>& dweight,
                     Tensor<wide_t<T>, D>& dbias) {
  gemm_nn(context, dy.size(-2), dy, as<T>(context, weight), dx);
  if (!dweight.empty()) gemm_tn_add(context, dy, x, dweight);
  if (!dbias.empty()) sum_rows_add(context, dy, dbias);
}

}  // namespace ligase::inline LIGASE_ISA::generic
