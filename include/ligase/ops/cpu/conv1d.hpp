#pragma once

#include <ligase/core/simd.hpp>
#include <ligase/ops/generic/conv1d.hpp>

#include <algorithm>

/// Lanes are 16 channels. The weights are laid out [K, E] once per call; a work item is a tile of 64 tokens of a sequence.
namespace ligase::inline LIGASE_ISA::device {
namespace conv1d_cpu {

using generic::conv1d_tile;
using generic::tap_token;
using simd::lanes;
using simd::Pack;

inline constexpr Index any_taps = 0;

template <class T>
Tensor<T, cpu> transposed_weight(const Tensor<T, cpu>& weight) {
  const Index channels = weight.size(0), taps = weight.size(2);
  Tensor<T, cpu> w({taps, channels});
  for (Index e = 0; e < channels; ++e)
    for (Index j = 0; j < taps; ++j) w.data()[j * channels + e] = weight.data()[e * taps + j];
  return w;
}

/// Tokens begin .. end-1 of a sequence.
struct Tile {
  Index begin, end, length;

  static Index tiles_of(Index length) { return (length + conv1d_tile - 1) / conv1d_tile; }
  /// Of work item `item` where each sequence gives tiles_of(length) items.
  static Tile of(Index item, Index length) {
    const Index begin = item % tiles_of(length) * conv1d_tile;
    return {begin, std::min(begin + conv1d_tile, length), length};
  }
};

/// Rows of `channels` numbers, `stride` apart.
template <class T>
struct Rows {
  T* data;
  Index stride;
  T* operator()(Index i) const { return data + i * stride; }
};

/// `width` channels of one token: the sum of taps first .. taps-1 on top of the bias, in this order.
template <Index fixed_taps, class T>
LIGASE_INLINE void filter_channels(Direction dir, Index t, Index first, Index taps, Index channels, Index e, Index width, Rows<const T> x,
                                   const T* w, const T* bias, T* y) {
  Pack<T> sum = bias ? simd::load(bias + e, width) : Pack<T>{};
  const auto add = [&](Index j) {
    sum = simd::fma(simd::load(w + j * channels + e, width), simd::load(x(tap_token(dir, t, j, taps)) + e, width), sum);
  };
  if (fixed_taps != any_taps && first == 0)
    for (Index j = 0; j < fixed_taps; ++j) add(j);
  else
    for (Index j = first; j < taps; ++j) add(j);
  simd::store(y + e, sum, width);
}

/// x: rows of the sequence; y: of the tile. w, bias: as [K, E] and [E] or null. taps: K, or any_taps and K given at run time.
template <Index fixed_taps, class T>
void filter(Direction dir, const Tile& tile, Index channels, Index run_time_taps, Rows<const T> x, const T* w, const T* bias, Rows<T> y) {
  const Index taps = fixed_taps == any_taps ? run_time_taps : fixed_taps, whole = channels / lanes * lanes;
  for (Index t = tile.begin; t < tile.end; ++t) {
    Index first = 0;  // taps before it read zeros
    while (first < taps && (tap_token(dir, t, first, taps) < 0 || tap_token(dir, t, first, taps) >= tile.length))
      ++first;
    T* out = y(t - tile.begin);
    for (Index e = 0; e < whole; e += lanes)
      filter_channels<fixed_taps>(dir, t, first, taps, channels, e, lanes, x, w, bias, out);
    if (whole < channels)
      filter_channels<fixed_taps>(dir, t, first, taps, channels, whole, channels - whole, x, w, bias, out);
  }
}

/// Partial gradients of one tile: dweight [K, E], dbias [E]. dy: rows of the tile; x: of the sequence.
template <Index fixed_taps, class T>
void weight_tile(Direction dir, const Tile& tile, Index channels, Index run_time_taps, Rows<const T> dy, Rows<const T> x, T* dweight,
                 T* dbias) {
  const Index taps = fixed_taps == any_taps ? run_time_taps : fixed_taps;
  for (Index e = 0; e < channels; e += lanes) {
    const Index width = std::min(lanes, channels - e);
    const auto product = [&](Index t, Index j, const Pack<T>& d, Pack<T>& sum) {
      const Index from = tap_token(dir, t, j, taps);
      if (from >= 0 && from < tile.length) sum = simd::fma(d, simd::load(x(from) + e, width), sum);
    };
    const auto gradient = [&](Index t) { return simd::load(dy(t - tile.begin) + e, width); };
    Pack<T> bias{};
    if constexpr (fixed_taps != any_taps) {
      Pack<T> sums[fixed_taps] = {};
      for (Index t = tile.begin; t < tile.end; ++t) {
        const Pack<T> d = gradient(t);
        bias += d;
        for (Index j = 0; j < fixed_taps; ++j) product(t, j, d, sums[j]);
      }
      for (Index j = 0; j < fixed_taps; ++j) simd::store(dweight + j * channels + e, sums[j], width);
    } else {
      for (Index j = 0; j < taps; ++j) {
        Pack<T> sum{};
        for (Index t = tile.begin; t < tile.end; ++t) product(t, j, gradient(t), sum);
        simd::store(dweight + j * channels + e, sum, width);
      }
      for (Index t = tile.begin; t < tile.end; ++t) bias += gradient(t);
    }
    simd::store(dbias + e, bias, width);
  }
}

template <class T>
void filter_tile(Direction dir, const Tile& tile, Index channels, Index taps, Rows<const T> x, const T* w, const T* bias, Rows<T> y) {
  (taps == 4 ? filter<4, T> : filter<any_taps, T>)(dir, tile, channels, taps, x, w, bias, y);
}

template <class T>
void filter_all(Context<cpu>& context, Direction dir, const Tensor<T, cpu>& x, const Tensor<T, cpu>& w, const T* bias,
                Tensor<T, cpu>& y) {
  const Index length = x.size(1), channels = x.size(2), taps = w.size(0), tiles = Tile::tiles_of(length);
  parallel_for(context.threads, x.size(0) * tiles, [&](Index item) {
    const Tile tile = Tile::of(item, length);
    const Index start = item / tiles * length * channels;
    filter_tile<T>(dir, tile, channels, taps, {x.data() + start, channels}, w.data(), bias,
                        {y.data() + start + tile.begin * channels, channels});
  });
}

}  // namespace conv1d_cpu

template <Direction dir, class T>
void causal_conv1d_forward(Context<cpu>& context, const Tensor<T, cpu>& x, const Tensor<T, cpu>& weight,
                           const Tensor<T, cpu>& bias, Tensor<T, cpu>& y) {
  conv1d_cpu::filter_all(context, dir, x, conv1d_cpu::transposed_weight(weight), bias.data(), y);
}

template <Direction dir, class T>
void causal_conv1d_backward(Context<cpu>& context, const Tensor<T, cpu>& dy, const Tensor<T, cpu>& x,
                            const Tensor<T, cpu>& weight, Tensor<T, cpu>& dx, Tensor<T, cpu>& dweight,
                            Tensor<T, cpu>& dbias) {
  using namespace conv1d_cpu;
  filter_all(context, opposite(dir), dy, transposed_weight(weight), static_cast<const T*>(nullptr), dx);
  if (dweight.empty() && dbias.empty()) return;
  const Index length = x.size(1), channels = x.size(2), taps = weight.size(2);
  const Index tiles = Tile::tiles_of(length), items = x.size(0) * tiles;
  Tensor<T, cpu> weight_tiles({items, taps, channels}), bias_tiles({items, channels});
  const auto run = taps == 4 ? weight_tile<4, T> : weight_tile<any_taps, T>;
  parallel_for(context.threads, items, [&](Index item) {
    const Tile tile = Tile::of(item, length);
    const Index start = item / tiles * length * channels;
    run(dir, tile, channels, taps, {dy.data() + start + tile.begin * channels, channels}, {x.data() + start, channels},
        weight_tiles.data() + item * taps * channels, bias_tiles.data() + item * channels);
  });
  if (!dbias.empty()) generic::add_tiles(context, bias_tiles, dbias);
  if (dweight.empty()) return;
  Tensor<T, cpu> sum = Tensor<T, cpu>::zeros({taps, channels});
  generic::add_tiles(context, weight_tiles, sum);
  for (Index e = 0; e < channels; ++e)
    for (Index j = 0; j < taps; ++j) dweight.data()[e * taps + j] += sum.data()[j * channels + e];
}

}  // namespace ligase::inline LIGASE_ISA::device
