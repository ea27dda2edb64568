#pragma once

#include <ligase/ops/generic/strands.hpp>

/// The two strands of a reverse-complement equivariant model: tensors [2 B, L, ...] hold B sequences read as given
/// (strand 0), then the same B sequences read as their reverse complement (strand 1).
/// All of this moves or adds elements, so equivariance is exact.
namespace ligase::inline LIGASE_ISA::ops {

namespace detail {
inline void check_strands(const char* where, const Shape& x) {
  if (x.rank() != 3 || x[0] % 2 != 0)
    throw Error{{.kind = ErrorKind::shape,
                 .what = "not a tensor of two strands",
                 .where = where,
                 .expected = "[2 B, L, D]",
                 .found = x.text()}};
}
template <Device D>
void check_ids_and_map(Context<D>& context, const char* where, const Tensor<std::int32_t, D>& ids,
                       const Tensor<std::int32_t, D>& map) {
  if (ids.shape().rank() != 2 || map.shape().rank() != 1)
    throw Error{{.kind = ErrorKind::shape,
                 .what = "ids and complement map do not fit",
                 .where = where,
                 .expected = "[B, L] and [V]",
                 .found = ids.shape().text() + " and " + map.shape().text()}};
  generic::check_ids(context, where, ids, map.count());
}
}  // namespace detail

/// Flips the length, the channels, or both. x, y: [B, L, D]. O(count) time. Its own backward pass.
template <Device D, class T>
Tensor<T, D> reverse(Context<D>& context, const Tensor<T, D>& x, bool time, bool channels) {
  if (x.shape().rank() != 3)
    throw Error{{.kind = ErrorKind::shape, .what = "reverse", .expected = "[B, L, D]", .found = x.shape().text()}};
  Tensor<T, D> y(x.shape());
  using generic::reverse_forward;
  reverse_forward(context, x, time, channels, y);
  return y;
}

/// Gives each strand the other's view of it: y[s, b, t, c] = x[1-s, b, L-1-t, D-1-c]. x, y: [2 B, L, D]. O(count) time.
/// Its own inverse and backward pass.
template <Device D, class T>
Tensor<T, D> exchange_strands(Context<D>& context, const Tensor<T, D>& x) {
  detail::check_strands("exchange_strands", x.shape());
  Tensor<T, D> y(x.shape());
  using generic::exchange_strands_forward;
  exchange_strands_forward(context, x, y);
  return y;
}

/// Reverse complement: y[b, t] = map[ids[b, L-1-t]]. ids, y: [B, L]   map: [V]. Throws kind `input` for an id outside 0 .. V-1.
template <Device D>
Tensor<std::int32_t, D> complement_ids(Context<D>& context, const Tensor<std::int32_t, D>& ids,
                                       const Tensor<std::int32_t, D>& map) {
  detail::check_ids_and_map(context, "complement_ids", ids, map);
  Tensor<std::int32_t, D> y(ids.shape());
  using generic::complement_ids_forward;
  complement_ids_forward(context, ids, map, y);
  return y;
}

/// Both strands of a batch: rows 0 .. B-1 are the ids, rows B .. 2B-1 their reverse complements. [B, L] -> [2 B, L]
template <Device D>
Tensor<std::int32_t, D> both_strands(Context<D>& context, const Tensor<std::int32_t, D>& ids,
                                     const Tensor<std::int32_t, D>& map) {
  detail::check_ids_and_map(context, "both_strands", ids, map);
  Tensor<std::int32_t, D> y({2 * ids.size(0), ids.size(1)});
  using generic::both_strands_forward;
  both_strands_forward(context, ids, map, y);
  return y;
}

/// Adds what the two strands say about a token: y[b, t, v] = x[b, t, v] + x[B+b, L-1-t, map[v]].
/// x: [2 B, L, V]   map: [V]   y: [B, L, V]. O(count) time. Matches RCPSLMHead of caduceus (a sum, not a mean) with W x
/// computed before.
template <Device D, class T>
Tensor<T, D> join_strand_logits(Context<D>& context, const Tensor<T, D>& x, const Tensor<std::int32_t, D>& map) {
  detail::check_strands("join_strand_logits", x.shape());
  check_shape("join_strand_logits complement map", {x.size(2)}, map.shape());
  generic::check_ids(context, "join_strand_logits complement map", map, x.size(2));
  Tensor<T, D> y({x.size(0) / 2, x.size(1), x.size(2)});
  using generic::join_strand_logits_forward;
  join_strand_logits_forward(context, x, map, y);
  return y;
}

/// dx (=): [2 B, L, V] for dy: [B, L, V].
template <Device D, class T>
Tensor<T, D> join_strand_logits_backward(Context<D>& context, const Tensor<T, D>& dy,
                                         const Tensor<std::int32_t, D>& map) {
  if (dy.shape().rank() != 3)
    throw Error{{.kind = ErrorKind::shape,
                 .what = "join_strand_logits_backward",
                 .expected = "[B, L, V]",
                 .found = dy.shape().text()}};
  check_shape("join_strand_logits_backward complement map", {dy.size(2)}, map.shape());
  Tensor<T, D> dx({2 * dy.size(0), dy.size(1), dy.size(2)});
  using generic::join_strand_logits_backward;
  join_strand_logits_backward(context, dy, map, dx);
  return dx;
}

/// The original's layout of hidden states: channels 0 .. D-1 are strand 0, channels D .. 2D-1 strand 1 with length and
/// channels reversed, so that both halves of a row are about the same base. [2 B, L, D] -> [B, L, 2 D]. O(count) time.
/// Its backward pass is `channels_to_halves`.
template <Device D, class T>
Tensor<T, D> halves_to_channels(Context<D>& context, const Tensor<T, D>& x) {
  detail::check_strands("halves_to_channels", x.shape());
  Tensor<T, D> y({x.size(0) / 2, x.size(1), 2 * x.size(2)});
  using generic::halves_to_channels_forward;
  halves_to_channels_forward(context, x, y);
  return y;
}

/// Inverse and backward pass of `halves_to_channels`. [B, L, 2 D] -> [2 B, L, D]
template <Device D, class T>
Tensor<T, D> channels_to_halves(Context<D>& context, const Tensor<T, D>& x) {
  if (x.shape().rank() != 3 || x.size(2) % 2 != 0)
    throw Error{
        {.kind = ErrorKind::shape, .what = "channels_to_halves", .expected = "[B, L, 2 D]", .found = x.shape().text()}};
  Tensor<T, D> y({2 * x.size(0), x.size(1), x.size(2) / 2});
  using generic::channels_to_halves_forward;
  channels_to_halves_forward(context, x, y);
  return y;
}

}  // namespace ligase::inline LIGASE_ISA::ops
