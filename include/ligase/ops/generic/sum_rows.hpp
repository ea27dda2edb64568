#pragma once

#include <ligase/core/bfloat16.hpp>
#include <ligase/core/math.hpp>
#include <ligase/core/tensor.hpp>
#include <ligase/ops/primitives.hpp>

namespace ligase::inline LIGASE_ISA::generic {

/// Rows of a tile of partial sums: sums over all rows are taken tile by tile, then over the tiles, so that their order
/// depends on the number of rows alone.
inline constexpr Index sum_tile = 64;

template <class T>
struct SumRowTile {
  const T* x;
  Index rows, width;
  wide_t<T>* partial;
  LIGASE_HD void operator()(Index tile) const {
    wide_t<T>* sum = partial + tile * width;
    for (Index j = 0; j < width; ++j) sum[j] = wide_t<T>(0);
    const Index end = (tile + 1) * sum_tile < rows ? (tile + 1) * sum_tile : rows;
    for (Index r = tile * sum_tile; r < end; ++r)
      for (Index j = 0; j < width; ++j) sum[j] += x[r * width + j];
  }
};
template <class T>
struct AddTiles {
  const T* partial;
  Index tiles, width;
  T* sum;
  LIGASE_HD void operator()(Index j) const {
    T s = T(0);
    for (Index t = 0; t < tiles; ++t) s += partial[t * width + j];
    sum[j] += s;
  }
};

/// sum[j] += the sum over tiles of partial[tile, j].
template <Device D, class T>
void add_tiles(Context<D>& context, const Tensor<T, D>& partial, Tensor<T, D>& sum) {
  for_each(context, sum.count(), AddTiles<T>{partial.data(), partial.size(0), sum.count(), sum.data()});
}

/// sum[j] += sum over rows of x[row, j], in a fixed order. x: [..., W]   sum: [W]
template <Device D, class T>
void sum_rows_add(Context<D>& context, const Tensor<T, D>& x, Tensor<wide_t<T>, D>& sum) {
  const Index width = sum.count(), rows = width == 0 ? 0 : x.count() / width, tiles = (rows + sum_tile - 1) / sum_tile;
  Tensor<wide_t<T>, D> partial({tiles, width});
  for_rows(context, tiles, SumRowTile<T>{x.data(), rows, width, partial.data()});
  add_tiles(context, partial, sum);
}

}  // namespace ligase::inline LIGASE_ISA::generic
