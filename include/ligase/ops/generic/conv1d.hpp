#pragma once

#include <ligase/core/math.hpp>
#include <ligase/ops/direction.hpp>
#include <ligase/ops/generic/sum_rows.hpp>

namespace ligase::inline LIGASE_ISA::generic {

/// Token that tap `tap` of K reads for the output at `token`.
LIGASE_HD constexpr Index tap_token(Direction dir, Index token, Index tap, Index taps) {
  return dir == Direction::forward ? token - (taps - 1) + tap : token + (taps - 1) - tap;
}

template <Direction dir, class T>
struct Conv1dForward {
  const T* x;
  const wide_t<T>* weight;
  const wide_t<T>* bias;
  Index length, channels, taps;
  T* y;
  LIGASE_HD void operator()(Index i) const {
    const Index e = i % channels, row = i / channels, t = row % length, start = row - t;
    using W = wide_t<T>;
    W sum = bias ? bias[e] : W(0);
    for (Index j = 0; j < taps; ++j) {
      const Index from = tap_token(dir, t, j, taps);
      if (from >= 0 && from < length) sum = math::fma(weight[e * taps + j], W(x[(start + from) * channels + e]), sum);
    }
    y[i] = sum;
  }
};

/// Tokens of one sequence whose contributions to the weight's gradient are summed first.
inline constexpr Index conv1d_tile = 64;

/// Partial gradients of weight and bias of one tile of tokens: dweight [tiles, E, K], dbias [tiles, E].
template <Direction dir, class T>
struct Conv1dWeightTile {
  const T *dy, *x;
  Index length, channels, taps;
  wide_t<T>* dweight;
  wide_t<T>* dbias;
  LIGASE_HD void operator()(Index tile) const {
    const Index tiles = (length + conv1d_tile - 1) / conv1d_tile, start = tile / tiles * length;
    const Index begin = tile % tiles * conv1d_tile, end = begin + conv1d_tile < length ? begin + conv1d_tile : length;
    for (Index e = 0; e < channels; ++e) {
      using W = wide_t<T>;
      W sum = W(0);
      for (Index t = begin; t < end; ++t) sum += dy[(start + t) * channels + e];
      dbias[tile * channels + e] = sum;
      for (Index j = 0; j < taps; ++j) {
        sum = W(0);
        for (Index t = begin; t < end; ++t) {
          const Index from = tap_token(dir, t, j, taps);
          if (from >= 0 && from < length)
            sum = math::fma(W(dy[(start + t) * channels + e]), W(x[(start + from) * channels + e]), sum);
        }
        dweight[(tile * channels + e) * taps + j] = sum;
      }
    }
  }
};

template <Direction dir, Device D, class T>
void causal_conv1d_forward(Context<D>& context, const Tensor<T, D>& x, const Tensor<wide_t<T>, D>& weight,
                           const Tensor<wide_t<T>, D>& bias, Tensor<T, D>& y) {
  for_each(context, x.count(),
           Conv1dForward<dir, T>{x.data(), weight.data(), bias.data(), x.size(1), x.size(2), weight.size(2), y.data()});
}

template <Direction dir, Device D, class T>
void causal_conv1d_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& x,
                            const Tensor<wide_t<T>, D>& weight, Tensor<T, D>& dx, Tensor<wide_t<T>, D>& dweight,
                            Tensor<wide_t<T>, D>& dbias) {
  const Index length = x.size(1), channels = x.size(2), taps = weight.size(2);
  for_each(context, x.count(),
           Conv1dForward<opposite(dir), T>{dy.data(), weight.data(), nullptr, length, channels, taps, dx.data()});
  if (dweight.empty() && dbias.empty()) return;
  const Index tiles = x.size(0) * ((length + conv1d_tile - 1) / conv1d_tile);
  Tensor<wide_t<T>, D> weight_tiles({tiles, channels, taps}), bias_tiles({tiles, channels});
  for_rows(
      context, tiles,
      Conv1dWeightTile<dir, T>{dy.data(), x.data(), length, channels, taps, weight_tiles.data(), bias_tiles.data()});
  if (!dweight.empty()) add_tiles(context, weight_tiles, dweight);
  if (!dbias.empty()) add_tiles(context, bias_tiles, dbias);
}

}  // namespace ligase::inline LIGASE_ISA::generic
