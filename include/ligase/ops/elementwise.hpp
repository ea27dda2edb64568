#pragma once

#include <ligase/ops/generic/elementwise.hpp>

#include <utility>

namespace ligase::inline LIGASE_ISA::ops {

/// y = a + b. One shape. O(count) time. Its backward pass hands dy to both.
template <Device D, class T>
Tensor<T, D> add(Context<D>& context, const Tensor<T, D>& a, const Tensor<T, D>& b) {
  check_shape("add", a.shape(), b.shape());
  Tensor<T, D> y(a.shape());
  using generic::add_forward;
  add_forward(context, a, b, y);
  return y;
}

/// sum += x. One shape. O(count) time.
template <Device D, class T>
void accumulate(Context<D>& context, Tensor<T, D>& sum, const Tensor<T, D>& x) {
  check_shape("accumulate", sum.shape(), x.shape());
  using generic::add_forward;
  add_forward(context, sum, x, sum);
}

/// y = a b, elementwise. One shape. O(count) time.
template <Device D, class T>
Tensor<T, D> mul(Context<D>& context, const Tensor<T, D>& a, const Tensor<T, D>& b) {
  check_shape("mul", a.shape(), b.shape());
  Tensor<T, D> y(a.shape());
  using generic::mul_forward;
  mul_forward(context, a, b, y);
  return y;
}

/// {da, db} (=).
template <Device D, class T>
std::pair<Tensor<T, D>, Tensor<T, D>> mul_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& a,
                                                   const Tensor<T, D>& b) {
  check_shape("mul_backward", a.shape(), dy.shape());
  return {mul(context, dy, b), mul(context, dy, a)};
}

/// y = factor x. Any shape. O(count) time. Its own backward pass.
template <Device D, class T>
Tensor<T, D> scale(Context<D>& context, const Tensor<T, D>& x, double factor) {
  Tensor<T, D> y(x.shape());
  using generic::scale_forward;
  scale_forward(context, x, static_cast<wide_t<T>>(factor), y);
  return y;
}

}  // namespace ligase::inline LIGASE_ISA::ops
