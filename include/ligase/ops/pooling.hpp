#pragma once

#include <ligase/ops/generic/pooling.hpp>

#include <type_traits>

namespace ligase::inline LIGASE_ISA::ops {

/// What a pooling keeps for its backward pass.
template <Device D>
struct PoolingSaved {
  Index length = 0;
  Tensor<Index, D> choice;       ///< [B, D]: the token taken (max, first, last), -1 for none; mean: [B], tokens counted
  Tensor<std::int32_t, D> mask;  ///< as given
};

/// One vector per sequence: the mean or the maximum over tokens, or the first or last token.
/// x: [B, L, D]   y: [B, D]   mask: [B, L], 0 = token left out, or empty: all tokens count. O(count) time. A sequence
/// without any counted token gives zeros. Means are sums in wide_t<T> by tiles of 64 tokens, in an order that depends on L
/// alone.
/// The gradient of a maximum goes to the first token that attains it, as that of torch.max(dim).values does on a CPU
/// (torch.amax would spread it); a NaN is a maximum.
/// Without mask as CaduceusForSequenceClassification pools, which counts padding; `first` and `last` raise there.
template <Device D, class T>
Tensor<T, D> pool(Context<D>& context, const Tensor<T, D>& x, Pooling pooling, const Tensor<std::int32_t, D>& mask = {},
                  std::type_identity_t<PoolingSaved<D>>* saved = nullptr) {
  if (x.shape().rank() != 3 || x.size(1) < 1)
    throw Error{{.kind = ErrorKind::shape,
                 .what = "pool",
                 .expected = "[B, L, D] with L of at least 1",
                 .found = x.shape().text()}};
  if (!mask.empty()) check_shape("pool mask", {x.size(0), x.size(1)}, mask.shape());
  Tensor<T, D> y({x.size(0), x.size(2)});
  Tensor<Index, D> choice(pooling == Pooling::mean ? Shape{x.size(0)} : y.shape());
  using generic::pool_forward;
  pool_forward(context, x, pooling, mask, y, choice);
  if (saved != nullptr) *saved = {x.size(1), choice, mask};
  return y;
}

/// dx (=): [B, L, D] for dy: [B, D].
template <Device D, class T>
Tensor<T, D> pool_backward(Context<D>& context, const Tensor<T, D>& dy, Pooling pooling, const PoolingSaved<D>& saved) {
  if (dy.shape().rank() != 2 || saved.choice.empty() || saved.choice.size(0) != dy.size(0))
    throw Error{{.kind = ErrorKind::shape, .what = "pool_backward", .expected = "[B, D]", .found = dy.shape().text()}};
  Tensor<T, D> dx({dy.size(0), saved.length, dy.size(1)});
  using generic::pool_backward;
  pool_backward(context, dy, pooling, saved.mask, saved.choice, dx);
  return dx;
}

}  // namespace ligase::inline LIGASE_ISA::ops
