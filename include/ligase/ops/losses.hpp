#pragma once

#include <ligase/ops/generic/losses.hpp>

namespace ligase::inline LIGASE_ISA::ops {

/// mean((x - target)^2) over all elements; 0 where there is none. x, target: one shape. Terms in wide_t<T>, their sum in
/// double and in order. O(count) time. Matches torch.nn.functional.mse_loss.
template <Device D, class T>
double mean_squared_error(Context<D>& context, const Tensor<T, D>& x, const Tensor<wide_t<T>, D>& target) {
  check_shape("mean_squared_error", x.shape(), target.shape());
  Tensor<wide_t<T>, D> terms(x.shape());
  using generic::squared_error_forward;
  squared_error_forward(context, x, target, terms);
  return generic::host_mean(context, terms);
}

/// dx (=) of factor * mean_squared_error.
template <Device D, class T>
Tensor<T, D> mean_squared_error_backward(Context<D>& context, const Tensor<T, D>& x, const Tensor<wide_t<T>, D>& target,
                                         double factor = 1) {
  check_shape("mean_squared_error_backward", x.shape(), target.shape());
  Tensor<T, D> dx(x.shape());
  using generic::squared_error_backward;
  squared_error_backward(context, x, target, generic::per_element<wide_t<T>>(factor, x.count()), dx);
  return dx;
}

/// Binary cross-entropy of logits: mean(max(x, 0) - x target + ln(1 + e^-|x|)) over all elements; 0 where there is none.
/// x, target: one shape, targets in [0, 1]. Terms in wide_t<T>, their sum in double and in order. O(count) time. Matches
/// torch.nn.functional.binary_cross_entropy_with_logits.
template <Device D, class T>
double binary_cross_entropy(Context<D>& context, const Tensor<T, D>& x, const Tensor<wide_t<T>, D>& target) {
  check_shape("binary_cross_entropy", x.shape(), target.shape());
  Tensor<wide_t<T>, D> terms(x.shape());
  using generic::binary_cross_entropy_forward;
  binary_cross_entropy_forward(context, x, target, terms);
  return generic::host_mean(context, terms);
}

/// dx (=) of factor * binary_cross_entropy.
template <Device D, class T>
Tensor<T, D> binary_cross_entropy_backward(Context<D>& context, const Tensor<T, D>& x,
                                           const Tensor<wide_t<T>, D>& target, double factor = 1) {
  check_shape("binary_cross_entropy_backward", x.shape(), target.shape());
  Tensor<T, D> dx(x.shape());
  using generic::binary_cross_entropy_backward;
  binary_cross_entropy_backward(context, x, target, generic::per_element<wide_t<T>>(factor, x.count()), dx);
  return dx;
}

}  // namespace ligase::inline LIGASE_ISA::ops
