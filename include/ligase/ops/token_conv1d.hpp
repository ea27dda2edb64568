#pragma once

#include <ligase/ops/cpu/token_conv1d.hpp>
#include <ligase/ops/elementwise.hpp>
#include <ligase/ops/generic/token_conv1d.hpp>

#include <string>

namespace ligase::inline LIGASE_ISA::ops {

namespace detail {
template <Device D, class T>
generic::TokenConvSizes token_conv_sizes(const Tensor<std::int32_t, D>& ids, const Tensor<T, D>& embedding,
                                         const Tensor<T, D>& weight) {
  if (ids.shape().rank() != 2 || weight.shape().rank() != 3 || ids.size(1) < weight.size(2))
    throw Error{{.kind = ErrorKind::shape,
                 .what = "token_conv1d: ids do not fit the weight " + weight.shape().text(),
                 .expected = "[B, L] with L of at least K",
                 .found = ids.shape().text()}};
  if (embedding.shape().rank() != 2 || embedding.size(1) != weight.size(1))
    throw Error{{.kind = ErrorKind::shape,
                 .what = "token_conv1d: the embedding does not fit the weight " + weight.shape().text(),
                 .expected = "[V, " + std::to_string(weight.size(1)) + "]",
                 .found = embedding.shape().text()}};
  return {ids.size(0), ids.size(1), embedding.size(0), weight.size(0), weight.size(2)};
}
}  // namespace detail

/// Embedding and a convolution without padding in one:
///   y[b, t, o] = bias[o] + sum_j table[ids[b, t + j], j, o],  table[v, j, o] = sum_c embedding[v, c] weight[o, c, j]
/// ids: [B, L]   embedding: [V, C]   weight: [O, C, K]   bias: [O] or empty   y: [B, L - K + 1, O].
/// The same function as conv1d_dense of the embedded ids, in O(V K C O + B L K O) time instead of O(B L K C O). Throws kind
/// `input` for an id outside 0 .. V-1 and kind `shape` where L < K.
template <Device D, class T>
Tensor<T, D> token_conv1d(Context<D>& context, const Tensor<std::int32_t, D>& ids, const Tensor<T, D>& embedding,
                          const Tensor<T, D>& weight, const Tensor<T, D>& bias) {
  const generic::TokenConvSizes s = detail::token_conv_sizes(ids, embedding, weight);
  if (!bias.empty()) check_shape("token_conv1d bias", {s.outputs}, bias.shape());
  generic::check_ids(context, "token_conv1d", ids, s.vocabulary);
  Tensor<T, D> table({s.vocabulary, s.taps * s.outputs});
  gemm_nt(context, s.vocabulary, embedding, generic::token_conv_rows(context, weight), table);
  Tensor<T, D> y({s.batch, s.out_length(), s.outputs});
  using generic::token_conv1d_gather;
  token_conv1d_gather(context, s, ids, table, bias, y);
  return y;
}

/// dembedding, dweight, dbias (+=) where they are not empty; sums over groups of sequences whose size depends on shapes
/// alone, then over groups in order.
template <Device D, class T>
void token_conv1d_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<std::int32_t, D>& ids,
                           const Tensor<T, D>& embedding, const Tensor<T, D>& weight, Tensor<T, D>& dembedding,
                           Tensor<T, D>& dweight, Tensor<T, D>& dbias) {
  const generic::TokenConvSizes s = detail::token_conv_sizes(ids, embedding, weight);
  check_shape("token_conv1d_backward", {s.batch, s.out_length(), s.outputs}, dy.shape());
  if (!dbias.empty()) generic::sum_rows_add(context, dy, dbias);
  if (dembedding.empty() && dweight.empty()) return;

  const Index group = generic::token_conv_group(s), groups = (s.batch + group - 1) / group;
  Tensor<T, D> partial({groups, s.vocabulary * s.taps * s.outputs});
  using generic::token_conv1d_scatter;
  token_conv1d_scatter(context, s, group, dy, ids, partial);
  Tensor<T, D> dtable = Tensor<T, D>::zeros({s.vocabulary, s.taps * s.outputs});
  generic::add_tiles(context, partial, dtable);

  if (!dembedding.empty()) {
    Tensor<T, D> sum(embedding.shape());
    gemm_nn(context, s.vocabulary, dtable, generic::token_conv_rows(context, weight), sum);
    accumulate(context, dembedding, sum);
  }
  if (!dweight.empty()) {
    Tensor<T, D> rows = Tensor<T, D>::zeros({s.taps * s.outputs, weight.size(1)});
    gemm_tn_add(context, dtable, embedding, rows);
    for_each(context, dweight.count(),
             generic::AddTapsFirst<T>{rows.data(), s.outputs, weight.size(1), s.taps, dweight.data()});
  }
}

}  // namespace ligase::inline LIGASE_ISA::ops
