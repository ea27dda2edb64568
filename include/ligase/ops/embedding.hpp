#pragma once

#include <ligase/ops/generic/embedding.hpp>

#include <type_traits>

namespace ligase::inline LIGASE_ISA::ops {

/// Rows of a table: out[b, l, :] = weight[ids[b, l], :].
/// ids: [B, L] or any shape   weight: [V, D]   out: [B, L, D]. O(B L D) time. Throws kind `input`, naming position and id,
/// for an id outside 0 .. V-1. `embedding<T>` rounds to T; without T the rows keep their type. Matches torch.nn.Embedding
/// without padding_idx.
template <class T = void, Device D, class W>
auto embedding(Context<D>& context, const Tensor<std::int32_t, D>& ids, const Tensor<W, D>& weight) {
  if (weight.shape().rank() != 2)
    throw Error{{.kind = ErrorKind::shape,
                 .what = "embedding: the weight is no table",
                 .expected = "[V, D]",
                 .found = weight.shape().text()}};
  generic::check_ids(context, "embedding", ids, weight.size(0));
  Shape shape = ids.shape();
  shape.push_back(weight.size(1));
  Tensor<std::conditional_t<std::is_void_v<T>, W, T>, D> out(shape);
  using generic::embedding_forward;
  embedding_forward(context, ids, weight, out);
  return out;
}

/// dweight (+=): the sum over tokens, in an order that depends on their number and on V alone; `ids` as given to
/// `embedding`. O(B L D) time, at most a quarter of dy in memory beyond 1,024 tokens.
template <Device D, class T>
void embedding_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<std::int32_t, D>& ids,
                        Tensor<wide_t<T>, D>& dweight) {
  if (dweight.empty()) return;
  Shape shape = ids.shape();
  shape.push_back(dweight.size(-1));
  check_shape("embedding_backward", shape, dy.shape());
  using generic::embedding_backward;
  embedding_backward(context, dy, ids, dweight);
}

}  // namespace ligase::inline LIGASE_ISA::ops
