#pragma once

#include <ligase/ops/generic/elementwise.hpp>
#include <ligase/ops/generic/norm.hpp>
#include <ligase/ops/generic/strands.hpp>

namespace ligase::inline LIGASE_ISA::generic {

/// `b` may be empty: without `exchange` sum is a itself then, and nothing is written to it.
template <Device D, class T>
void add_norm_forward(Context<D>& context, const Tensor<T, D>& a, const Tensor<T, D>& b, bool exchange,
                      const Tensor<wide_t<T>, D>& weight, const Tensor<wide_t<T>, D>& bias, wide_t<T> eps, bool rms,
                      Tensor<T, D>& sum, Tensor<T, D>& y, Tensor<wide_t<T>, D>& inverse, Tensor<wide_t<T>, D>& mean) {
  Tensor<T, D> added = b.empty() ? a : exchange ? Tensor<T, D>(a.shape()) : sum;
  if (!b.empty()) add_forward(context, a, b, added);
  if (exchange) exchange_strands_forward(context, added, sum);
  if (rms)
    rms_norm_forward(context, sum, weight, eps, y, inverse);
  else
    layer_norm_forward(context, sum, weight, bias, eps, y, inverse, mean);
}

/// `dsum` may be empty.
template <Device D, class T>
void add_norm_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& dsum, const Tensor<T, D>& sum,
                       const Tensor<wide_t<T>, D>& weight, const Tensor<wide_t<T>, D>& inverse,
                       const Tensor<wide_t<T>, D>& mean, bool exchange, Tensor<T, D>& dx, Tensor<wide_t<T>, D>& dweight,
                       Tensor<wide_t<T>, D>& dbias) {
  Tensor<T, D> inner = exchange ? Tensor<T, D>(dx.shape()) : dx;
  if (mean.empty())
    rms_norm_backward(context, dy, sum, weight, inverse, inner, dweight);
  else
    layer_norm_backward(context, dy, sum, weight, inverse, mean, inner, dweight, dbias);
  if (!dsum.empty()) add_forward(context, inner, dsum, inner);
  if (exchange) exchange_strands_forward(context, inner, dx);
}

}  // namespace ligase::inline LIGASE_ISA::generic
