#pragma once

#include <ligase/ops/generic/relu.hpp>

namespace ligase::inline LIGASE_ISA::ops {

/// y = max(x, 0). Any shape. O(count) time. Matches torch.nn.functional.relu: the derivative at 0 is 0.
template <Device D, class T>
Tensor<T, D> relu(Context<D>& context, const Tensor<T, D>& x) {
  Tensor<T, D> y(x.shape());
  using generic::relu_forward;
  relu_forward(context, x, y);
  return y;
}

/// dx (=) for the x that went in, or for the y that came out, which is positive in the same places.
template <Device D, class T>
Tensor<T, D> relu_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& x) {
  check_shape("relu_backward", x.shape(), dy.shape());
  Tensor<T, D> dx(x.shape());
  using generic::relu_backward;
  relu_backward(context, dy, x, dx);
  return dx;
}

}  // namespace ligase::inline LIGASE_ISA::ops
