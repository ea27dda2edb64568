#pragma once

#include <ligase/ops/cuda/primitives.cuh>
#include <ligase/ops/pooling.hpp>

/// The generic poolings with one thread per column, so that neighbours read neighbours. Sums and choices are made in the same
/// order.
namespace ligase::inline LIGASE_ISA::kernels {

/// Column c of one tile of tokens: index tile * width + c.
template <class T>
struct PoolTileColumn {
  using W = wide_t<T>;
  const T* x;
  const std::int32_t* mask;
  Index length, width;
  bool maximum;
  W* partial;
  Index* token;
  LIGASE_HD void operator()(Index i) const {
    const Index tiles = generic::pool_tiles(length), tile = i / width, c = i % width;
    const Index b = tile / tiles, begin = tile % tiles * generic::pool_tile;
    const Index end = begin + generic::pool_tile < length ? begin + generic::pool_tile : length;
    W out = W(0);
    Index best = -1;
    for (Index t = begin; t < end; ++t) {
      if (mask && mask[b * length + t] == 0) continue;
      const W value = static_cast<W>(x[(b * length + t) * width + c]);
      if (maximum)
        generic::PoolTile<T>::take(value, t, out, best);
      else
        out += value;
    }
    partial[i] = out;
    if (maximum) token[i] = best;
  }
};

/// Tokens of a tile that count.
struct CountTile {
  const std::int32_t* mask;
  Index length;
  Index* count;
  LIGASE_HD void operator()(Index tile) const {
    const Index tiles = generic::pool_tiles(length);
    const Index b = tile / tiles, begin = tile % tiles * generic::pool_tile;
    const Index end = begin + generic::pool_tile < length ? begin + generic::pool_tile : length;
    Index n = 0;
    for (Index t = begin; t < end; ++t) n += !mask || mask[b * length + t] != 0;
    count[tile] = n;
  }
};
struct AddCounts {
  const Index* count;
  Index tiles;
  Index* sum;
  LIGASE_HD void operator()(Index b) const {
    Index n = 0;
    for (Index k = 0; k < tiles; ++k) n += count[b * tiles + k];
    sum[b] = n;
  }
};

template <class T>
struct PoolBackwardElement {
  const T* dy;
  const std::int32_t* mask;
  const Index* choice;
  Index length, width;
  bool mean;
  T* dx;
  LIGASE_HD void operator()(Index i) const {
    using W = wide_t<T>;
    const Index row = i / width, c = i % width, b = row / length, t = row % length;
    const W g = static_cast<W>(dy[b * width + c]);
    const bool chosen = mean ? !mask || mask[row] != 0 : choice[b * width + c] == t;
    dx[i] = static_cast<T>(!chosen ? W(0) : mean ? g / static_cast<W>(choice[b]) : g);
  }
};

}  // namespace ligase::inline LIGASE_ISA::kernels

namespace ligase::inline LIGASE_ISA::device {

template <class T>
void pool_forward(Context<cuda>& context, const Tensor<T, cuda>& x, Pooling pooling,
                  const Tensor<std::int32_t, cuda>& mask, Tensor<T, cuda>& y, Tensor<Index, cuda>& choice) {
  if (pooling == Pooling::first || pooling == Pooling::last) {
    generic::pool_forward(context, x, pooling, mask, y, choice);
    return;
  }
  using W = wide_t<T>;
  const Index batch = x.size(0), length = x.size(1), width = x.size(2), tiles = generic::pool_tiles(length);
  const bool maximum = pooling == Pooling::max;
  Tensor<W, cuda> partial({batch, tiles, width});
  Tensor<Index, cuda> token(maximum ? partial.shape() : Shape{batch, tiles});
  for_each(context, partial.count(),
           kernels::PoolTileColumn<T>{x.data(), mask.data(), length, width, maximum, partial.data(), token.data()});
  if (maximum) {
    for_each(context, y.count(),
             generic::PoolMaximum<T>{partial.data(), token.data(), tiles, width, y.data(), choice.data()});
  } else {
    for_each(context, batch * tiles, kernels::CountTile{mask.data(), length, token.data()});
    for_each(context, batch, kernels::AddCounts{token.data(), tiles, choice.data()});
    for_each(context, y.count(), generic::PoolMean<T>{partial.data(), choice.data(), tiles, width, y.data()});
  }
}

template <class T>
void pool_backward(Context<cuda>& context, const Tensor<T, cuda>& dy, Pooling pooling,
                   const Tensor<std::int32_t, cuda>& mask, const Tensor<Index, cuda>& choice, Tensor<T, cuda>& dx) {
  for_each(context, dx.count(),
           kernels::PoolBackwardElement<T>{dy.data(), mask.data(), choice.data(), dx.size(1), dx.size(2),
                                           pooling == Pooling::mean, dx.data()});
}

}  // namespace ligase::inline LIGASE_ISA::device
