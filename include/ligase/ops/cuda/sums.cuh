#pragma once

#include <ligase/ops/cuda/rows.cuh>
#include <ligase/ops/generic/sum_rows.hpp>

/// Sums over rows: of tiles of 256 rows, then of tiles of 256 of these sums, until one is left, which is added to the result.
/// The order depends on the number of rows alone.
namespace ligase::inline LIGASE_ISA::kernels {

inline constexpr int sum_groups = 8;
inline constexpr Index sum_rows_of_tile = 256;

template <class W>
struct SumShared {
  W part[sum_groups][warp_lanes];
};

template <class T>
struct SumRowsArguments {
  const T* x;  ///< [rows, width]
  Index rows, width;
  bool add;
  wide_t<T>* sum;  ///< [tiles, width]: written, or of one tile added to
};

/// A block has one tile of rows and 32 columns, one per lane, so that a warp reads whole lines; warp g of it adds up the rows
/// g, g + 8, ... in order, and warp 0 the eight sums.
template <class T>
__global__ void __launch_bounds__(sum_groups* warp_lanes) sum_rows(SumRowsArguments<T> a) {
  using W = wide_t<T>;
  auto& shared = device::block_shared<SumShared<W>>();
  const Index column_blocks = blocks_of(a.width, warp_lanes), tile = blockIdx.x / column_blocks;
  const int lane = static_cast<int>(threadIdx.x) % warp_lanes, group = static_cast<int>(threadIdx.x) / warp_lanes;
  const Index j = blockIdx.x % column_blocks * warp_lanes + lane;
  const Index begin = tile * sum_rows_of_tile;
  const Index end = begin + sum_rows_of_tile < a.rows ? begin + sum_rows_of_tile : a.rows;
  W sum = W(0);
  if (j < a.width) {
#pragma unroll 8
    for (Index row = begin + group; row < end; row += sum_groups) sum += static_cast<W>(a.x[row * a.width + j]);
  }
  shared.part[group][lane] = sum;
  __syncthreads();
  if (group != 0 || j >= a.width) return;
#pragma unroll
  for (int g = 1; g < sum_groups; ++g) sum += shared.part[g][lane];
  W& to = a.sum[tile * a.width + j];
  to = a.add ? to + sum : sum;
}

}  // namespace ligase::inline LIGASE_ISA::kernels

namespace ligase::inline LIGASE_ISA::device {

template <class T>
void sum_rows_add(Context<cuda>& context, const Tensor<T, cuda>& x, Tensor<wide_t<T>, cuda>& sum) {
  using W = wide_t<T>;
  const Index width = sum.count(), rows = width == 0 ? 0 : x.count() / width;
  const Index tiles = kernels::blocks_of(rows, kernels::sum_rows_of_tile);
  const bool last = tiles <= 1;
  Tensor<W, cuda> partial = last ? sum : Tensor<W, cuda>({tiles, width});
  launch({.blocks = tiles * kernels::blocks_of(width, kernels::warp_lanes),
          .threads = kernels::sum_groups * kernels::warp_lanes,
          .shared_bytes = static_cast<Index>(sizeof(kernels::SumShared<W>))},
         kernels::sum_rows<T>,
         kernels::SumRowsArguments<T>{.x = x.data(), .rows = rows, .width = width, .add = last, .sum = partial.data()});
  if (!last) sum_rows_add<W>(context, partial, sum);
}

template <class T>
void add_tiles(Context<cuda>& context, const Tensor<T, cuda>& partial, Tensor<T, cuda>& sum) {
  sum_rows_add(context, partial, sum);
}

}  // namespace ligase::inline LIGASE_ISA::device
