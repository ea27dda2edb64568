#pragma once

#include <ligase/ops/cpu/max_pool.hpp>
#include <ligase/ops/generic/max_pool.hpp>

#include <string>

namespace ligase::inline LIGASE_ISA::ops {

/// Maximum over windows of tokens side by side; the rest of a sequence that fills no window is left out.
/// x: [B, L, C]   y: [B, floor(L / window), C]. O(count) time. Matches torch.nn.MaxPool1d(window) on the transposed layout,
/// gradients included: they go to the first token that attains the maximum. Throws kind `shape` where L < window.
template <Device D, class T>
Tensor<T, D> max_pool(Context<D>& context, const Tensor<T, D>& x, Index window) {
  if (window < 1 || x.shape().rank() != 3 || x.size(1) < window)
    throw Error{{.kind = ErrorKind::shape,
                 .what = "max_pool",
                 .expected = "[B, L, C] with L of at least " + std::to_string(window),
                 .found = x.shape().text()}};
  Tensor<T, D> y({x.size(0), x.size(1) / window, x.size(2)});
  using generic::max_pool_forward;
  max_pool_forward(context, x, window, y);
  return y;
}

/// dx (=) for the x that went in.
template <Device D, class T>
Tensor<T, D> max_pool_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& x, Index window) {
  check_shape("max_pool_backward", {x.size(0), x.size(1) / window, x.size(2)}, dy.shape());
  Tensor<T, D> dx(x.shape());
  using generic::max_pool_backward;
  max_pool_backward(context, dy, x, window, dx);
  return dx;
}

}  // namespace ligase::inline LIGASE_ISA::ops
