#pragma once

#include <ligase/ops/cpu/conv1d_dense.hpp>
#include <ligase/ops/generic/conv1d_dense.hpp>

#include <string>

namespace ligase::inline LIGASE_ISA::ops {

/// Convolution over tokens that mixes all channels, without padding:
///   y[b, t, o] = bias[o] + sum_j sum_c weight[o, c, j] x[b, t + j, c]
/// x: [B, L, C]   weight: [O, C, K]   bias: [O] or empty   y: [B, L - K + 1, O]. O(B L K C O) time.
/// Matches torch.nn.Conv1d with stride 1 and no padding, on the transposed layout. Throws kind `shape` where L < K.
template <Device D, class T>
Tensor<T, D> conv1d_dense(Context<D>& context, const Tensor<T, D>& x, const Tensor<T, D>& weight,
                          const Tensor<T, D>& bias) {
  if (x.shape().rank() != 3 || weight.shape().rank() != 3 || x.size(2) != weight.size(1) || x.size(1) < weight.size(2))
    throw Error{{.kind = ErrorKind::shape,
                 .what = "conv1d_dense: input does not fit the weight " + weight.shape().text(),
                 .expected = "[B, L, C] with L of at least K",
                 .found = x.shape().text()}};
  if (!bias.empty()) check_shape("conv1d_dense bias", {weight.size(0)}, bias.shape());
  Tensor<T, D> y({x.size(0), x.size(1) - weight.size(2) + 1, weight.size(0)});
  using generic::conv1d_dense_forward;
  conv1d_dense_forward(context, x, weight, bias, y);
  return y;
}

/// dx (=); dweight and dbias (+=) where they are not empty: sums over a sequence's tokens, then over sequences in order.
template <Device D, class T>
Tensor<T, D> conv1d_dense_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& x,
                                   const Tensor<T, D>& weight, Tensor<T, D>& dweight, Tensor<T, D>& dbias) {
  check_shape("conv1d_dense_backward", {x.size(0), x.size(1) - weight.size(2) + 1, weight.size(0)}, dy.shape());
  if (!dweight.empty()) check_shape("conv1d_dense_backward gradient of the weight", weight.shape(), dweight.shape());
  Tensor<T, D> dx(x.shape());
  using generic::conv1d_dense_data;
  using generic::conv1d_dense_weight;
  conv1d_dense_data(context, dy, x, weight, dx);
  if (!dweight.empty()) conv1d_dense_weight(context, dy, x, dweight);
  if (!dbias.empty()) generic::sum_rows_add(context, dy, dbias);
  return dx;
}

}  // namespace ligase::inline LIGASE_ISA::ops
