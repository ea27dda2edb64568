#pragma once

#include <ligase/ops/generic/silu.hpp>

#include <utility>

namespace ligase::inline LIGASE_ISA::ops {

/// Sigmoid linear unit (Elfwing et al. 2018): y = x / (1 + e^-x). Any shape. O(count) time.
template <Device D, class T>
Tensor<T, D> silu(Context<D>& context, const Tensor<T, D>& x) {
  Tensor<T, D> y(x.shape());
  using generic::silu_forward;
  silu_forward(context, x, y);
  return y;
}

/// dx (=) for the x that went in.
template <Device D, class T>
Tensor<T, D> silu_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& x) {
  check_shape("silu_backward", x.shape(), dy.shape());
  Tensor<T, D> dx(x.shape());
  using generic::silu_backward;
  silu_backward(context, dy, x, dx);
  return dx;
}

/// Gate of the Mamba mixer: y = x silu(z). x, z, y: one shape. O(count) time.
template <Device D, class T>
Tensor<T, D> gate(Context<D>& context, const Tensor<T, D>& x, const Tensor<T, D>& z) {
  check_shape("gate", x.shape(), z.shape());
  Tensor<T, D> y(x.shape());
  using generic::gate_forward;
  gate_forward(context, x, z, y);
  return y;
}

/// {dx, dz} (=).
template <Device D, class T>
std::pair<Tensor<T, D>, Tensor<T, D>> gate_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& x,
                                                    const Tensor<T, D>& z) {
  check_shape("gate_backward", x.shape(), dy.shape());
  std::pair<Tensor<T, D>, Tensor<T, D>> d{Tensor<T, D>(x.shape()), Tensor<T, D>(x.shape())};
  using generic::gate_backward;
  gate_backward(context, dy, x, z, d.first, d.second);
  return d;
}

}  // namespace ligase::inline LIGASE_ISA::ops
