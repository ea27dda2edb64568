#pragma once

#include <ligase/ops/generic/dropout.hpp>

namespace ligase::inline LIGASE_ISA::ops {

namespace detail {
inline void check_probability(double p) {
  if (!(p >= 0 && p <= 1))
    throw Error{{.kind = ErrorKind::usage,
                 .what = "dropout probability out of range",
                 .expected = "0 to 1",
                 .found = std::to_string(p)}};
}
}  // namespace detail

/// Dropout (Srivastava et al. 2014), inverted: while training, every element becomes 0 with probability p (a multiple of
/// 2^-32), else x / (1 - p); otherwise x itself. Which elements depends on context.random's seed and step, on `place` and on
/// the element's index alone. Any shape. O(count) time.
template <Device D, class T>
Tensor<T, D> dropout(Context<D>& context, const Tensor<T, D>& x, double p, std::uint64_t place) {
  detail::check_probability(p);
  if (!context.training || p == 0) return x;
  Tensor<T, D> y(x.shape());
  using generic::dropout_forward;
  dropout_forward(context, x, p, context.random.at(place), y);
  return y;
}

/// dx (=), for the p and place of the forward pass: the same elements are dropped.
template <Device D, class T>
Tensor<T, D> dropout_backward(Context<D>& context, const Tensor<T, D>& dy, double p, std::uint64_t place) {
  return dropout(context, dy, p, place);
}

}  // namespace ligase::inline LIGASE_ISA::ops
