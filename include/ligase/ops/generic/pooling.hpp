#pragma once

#include <ligase/core/bfloat16.hpp>
#include <ligase/core/tensor.hpp>
#include <ligase/ops/primitives.hpp>

namespace ligase::inline LIGASE_ISA {

enum class Pooling { mean, max, first, last };

namespace generic {

/// Tokens of a tile of partial results.
inline constexpr Index pool_tile = 64;

LIGASE_HD constexpr Index pool_tiles(Index length) { return (length + pool_tile - 1) / pool_tile; }

/// Sums or maxima of one tile of tokens of one sequence: partial [B, tiles, D]; token [B, tiles, D] of the maximum, -1 for none.
template <class T>
struct PoolTile {
  using W = wide_t<T>;
  const T* x;
  const std::int32_t* mask;
  Index length, width;
  bool maximum;
  W* partial;
  Index* token;
  LIGASE_HD void operator()(Index tile) const {
    const Index b = tile / pool_tiles(length), begin = tile % pool_tiles(length) * pool_tile;
    const Index end = begin + pool_tile < length ? begin + pool_tile : length;
    W* out = partial + tile * width;
    for (Index c = 0; c < width; ++c) out[c] = W(0);
    if (maximum)
      for (Index c = 0; c < width; ++c) token[tile * width + c] = -1;
    for (Index t = begin; t < end; ++t) {
      if (mask && mask[b * length + t] == 0) continue;
      const T* row = x + (b * length + t) * width;
      if (maximum)
        for (Index c = 0; c < width; ++c) take(row[c], t, out[c], token[tile * width + c]);
      else
        for (Index c = 0; c < width; ++c) out[c] += row[c];
    }
  }
  /// Later tokens win only if they are larger, or not a number while the present value is one.
  static LIGASE_HD void take(W value, Index t, W& best, Index& best_token) {
    const bool better = best_token < 0 || value > best || (value != value && best == best);
    best = better ? value : best;
    best_token = better ? t : best_token;
  }
};
/// Tokens that count, per sequence.
struct CountTokens {
  const std::int32_t* mask;
  Index length;
  Index* count;
  LIGASE_HD void operator()(Index b) const {
    Index n = 0;
    for (Index t = 0; t < length; ++t) n += !mask || mask[b * length + t] != 0;
    count[b] = n;
  }
};
template <class T>
struct PoolMean {
  using W = wide_t<T>;
  const W* partial;
  const Index* count;
  Index tiles, width;
  T* y;
  LIGASE_HD void operator()(Index i) const {
    const Index b = i / width, c = i % width;
    W sum = W(0);
    for (Index k = 0; k < tiles; ++k) sum += partial[(b * tiles + k) * width + c];
    y[i] = count[b] == 0 ? W(0) : sum / static_cast<W>(count[b]);
  }
};
template <class T>
struct PoolMaximum {
  using W = wide_t<T>;
  const W* partial;
  const Index* token;
  Index tiles, width;
  T* y;
  Index* choice;
  LIGASE_HD void operator()(Index i) const {
    const Index b = i / width, c = i % width;
    W best = W(0);
    Index best_token = -1;
    for (Index k = 0; k < tiles; ++k) {
      const Index from = (b * tiles + k) * width + c;
      if (token[from] >= 0) PoolTile<T>::take(partial[from], token[from], best, best_token);
    }
    y[i] = best;
    choice[i] = best_token;
  }
};
template <class T>
struct PoolEnd {
  const T* x;
  const std::int32_t* mask;
  Index length, width;
  bool last;
  T* y;
  Index* choice;
  LIGASE_HD void operator()(Index b) const {
    Index t = last ? length - 1 : 0;
    if (mask)
      while (t >= 0 && t < length && mask[b * length + t] == 0) t += last ? -1 : 1;
    if (t == length) t = -1;
    for (Index c = 0; c < width; ++c) {
      y[b * width + c] = t < 0 ? T(0) : x[(b * length + t) * width + c];
      choice[b * width + c] = t;
    }
  }
};
template <class T>
struct PoolBackward {
  const T* dy;
  const std::int32_t* mask;
  const Index* choice;
  Index length, width;
  bool mean;
  T* dx;
  LIGASE_HD void operator()(Index row) const {
    const Index b = row / length, t = row % length;
    const T* g = dy + b * width;
    T* out = dx + row * width;
    if (mean) {
      const bool counted = !mask || mask[row] != 0;
      for (Index c = 0; c < width; ++c) out[c] = counted ? g[c] / static_cast<wide_t<T>>(choice[b]) : wide_t<T>(0);
    } else {
      for (Index c = 0; c < width; ++c) out[c] = choice[b * width + c] == t ? g[c] : T(0);
    }
  }
};

template <Device D, class T>
void pool_forward(Context<D>& context, const Tensor<T, D>& x, Pooling pooling, const Tensor<std::int32_t, D>& mask,
                  Tensor<T, D>& y, Tensor<Index, D>& choice) {
  const Index batch = x.size(0), length = x.size(1), width = x.size(2), tiles = pool_tiles(length);
  if (pooling == Pooling::first || pooling == Pooling::last) {
    for_rows(context, batch,
             PoolEnd<T>{x.data(), mask.data(), length, width, pooling == Pooling::last, y.data(), choice.data()});
    return;
  }
  const bool maximum = pooling == Pooling::max;
  Tensor<wide_t<T>, D> partial({batch, tiles, width});
  Tensor<Index, D> token(maximum ? partial.shape() : Shape{0});
  for_rows(context, batch * tiles,
           PoolTile<T>{x.data(), mask.data(), length, width, maximum, partial.data(), token.data()});
  if (maximum) {
    for_each(context, y.count(), PoolMaximum<T>{partial.data(), token.data(), tiles, width, y.data(), choice.data()});
  } else {
    for_rows(context, batch, CountTokens{mask.data(), length, choice.data()});
    for_each(context, y.count(), PoolMean<T>{partial.data(), choice.data(), tiles, width, y.data()});
  }
}

template <Device D, class T>
void pool_backward(Context<D>& context, const Tensor<T, D>& dy, Pooling pooling, const Tensor<std::int32_t, D>& mask,
                   const Tensor<Index, D>& choice, Tensor<T, D>& dx) {
  for_rows(context, dx.size(0) * dx.size(1),
           PoolBackward<T>{dy.data(), mask.data(), choice.data(), dx.size(1), dx.size(2), pooling == Pooling::mean,
                           dx.data()});
}

}  // namespace generic
}  // namespace ligase::inline LIGASE_ISA
