#pragma once

#include <ligase/ops/generic/split.hpp>

#include <utility>

namespace ligase::inline LIGASE_ISA::ops {

namespace detail {
/// The shape with another last size.
inline Shape with_last(const Shape& shape, Index last) {
  Shape out;
  for (int i = 0; i + 1 < shape.rank(); ++i) out.push_back(shape[i]);
  out.push_back(last);
  return out;
}
}  // namespace detail

/// Cuts the last dimension in two: [..., C] -> {[..., columns], [..., C - columns]}. O(count) time. Its backward pass is
/// `concat`.
template <Device D, class T>
std::pair<Tensor<T, D>, Tensor<T, D>> split(Context<D>& context, const Tensor<T, D>& x, Index columns) {
  if (x.shape().rank() < 1 || columns < 0 || columns > x.size(-1))
    throw Error{{.kind = ErrorKind::shape,
                 .what = "split: the tensor does not have that many columns",
                 .expected = "at least " + std::to_string(columns),
                 .found = x.shape().text()}};
  std::pair<Tensor<T, D>, Tensor<T, D>> parts{Tensor<T, D>(detail::with_last(x.shape(), columns)),
                                              Tensor<T, D>(detail::with_last(x.shape(), x.size(-1) - columns))};
  using generic::split_forward;
  split_forward(context, x, parts.first, parts.second);
  return parts;
}

/// {[..., A], [..., B]} -> [..., A + B]. O(count) time. Its backward pass is `split` at A.
template <Device D, class T>
Tensor<T, D> concat(Context<D>& context, const Tensor<T, D>& a, const Tensor<T, D>& b) {
  if (a.shape().rank() < 1 || b.shape().rank() < 1 || !(detail::with_last(b.shape(), a.size(-1)) == a.shape()))
    throw Error{{.kind = ErrorKind::shape,
                 .what = "concat: shapes differ in more than the last dimension",
                 .found = a.shape().text() + " and " + b.shape().text()}};
  Tensor<T, D> y(detail::with_last(a.shape(), a.size(-1) + b.size(-1)));
  using generic::concat_forward;
  concat_forward(context, a, b, y);
  return y;
}

}  // namespace ligase::inline LIGASE_ISA::ops
