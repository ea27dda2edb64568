#pragma once

#include <ligase/ops/cuda/rows.cuh>
#include <ligase/ops/cuda/sums.cuh>
#include <ligase/ops/embedding.hpp>

#include <algorithm>

namespace ligase::inline LIGASE_ISA::kernels {

inline constexpr int embedding_threads = 256;
inline constexpr int embedding_warps = embedding_threads / warp_lanes;
/// Rows of the table that a block sums up in shared memory, 256 columns of each: 32 KB in float.
inline constexpr Index embedding_range = 32;
/// Tokens that a block looks at together, one per thread.
inline constexpr Index embedding_chunk = embedding_threads;

template <class T>
struct EmbeddingForwardArguments {
  const std::int32_t* ids;
  const wide_t<T>* weight;
  Index rows, width;
  int access;
  T* out;
};

/// One warp per token, a quad per lane.
template <class T>
__global__ void __launch_bounds__(embedding_threads) embedding_forward(EmbeddingForwardArguments<T> a) {
  const Index row = static_cast<Index>(blockIdx.x) * embedding_warps + threadIdx.x / warp_lanes;
  if (row >= a.rows) return;
  const wide_t<T>* from = a.weight + a.ids[row] * a.width;
  for (Index j = static_cast<Index>(threadIdx.x) % warp_lanes * quad; j < a.width; j += warp_lanes * quad) {
    wide_t<T> v[quad];
    load_quad(from + j, a.width - j, a.access, v);
    store_quad(a.out + row * a.width + j, a.width - j, a.access, v);
  }
}

template <class W>
struct EmbeddingShared {
  W sum[embedding_range][embedding_threads];
  std::int32_t token[embedding_chunk], id[embedding_chunk];
  std::int32_t of_warp[embedding_warps];
};

template <class T>
struct EmbeddingBackwardArguments {
  const T* dy;
  const std::int32_t* ids;
  Index tokens, tile_tokens, vocabulary, width;
  wide_t<T>* partial;  ///< [tiles, vocabulary, width]
};

/// A block sums the tokens of one tile, for 32 ids and 256 columns, thread j column j, in a table in shared memory. Of every
/// 256 tokens it first lists those with one of its ids, in order: flags are counted by shuffles within a warp, then over
/// the warps. The order of a sum is that of the tokens in the tile.
template <class T>
__global__ void __launch_bounds__(embedding_threads, 4) embedding_backward(EmbeddingBackwardArguments<T> a) {
  using W = wide_t<T>;
  auto& shared = device::block_shared<EmbeddingShared<W>>();
  const Index column_blocks = blocks_of(a.width, embedding_threads), ranges = blocks_of(a.vocabulary, embedding_range);
  const Index tile = blockIdx.x / (column_blocks * ranges), range = blockIdx.x / column_blocks % ranges;
  const Index j = blockIdx.x % column_blocks * embedding_threads + threadIdx.x;
  const int thread = static_cast<int>(threadIdx.x), lane = thread % warp_lanes, warp = thread / warp_lanes;
  const auto first_id = static_cast<std::int32_t>(range * embedding_range);
  const Index end = (tile + 1) * a.tile_tokens < a.tokens ? (tile + 1) * a.tile_tokens : a.tokens;

#pragma unroll 8
  for (Index v = 0; v < embedding_range; ++v) shared.sum[v][thread] = W(0);
  for (Index begin = tile * a.tile_tokens; begin < end; begin += embedding_chunk) {
    const std::int32_t id = begin + thread < end ? a.ids[begin + thread] - first_id : -1;
    const int found = id >= 0 && id < embedding_range ? 1 : 0;
    int upto = found;
#pragma unroll
    for (int distance = 1; distance < warp_lanes; distance *= 2) {
      const int before = __shfl_up_sync(all_lanes, upto, static_cast<unsigned>(distance));
      if (lane >= distance) upto += before;
    }
    if (lane == warp_lanes - 1) shared.of_warp[warp] = upto;
    __syncthreads();
    int listed = 0;
#pragma unroll
    for (int w = 0; w < embedding_warps; ++w) {
      if (w == warp) upto += listed;
      listed += shared.of_warp[w];
    }
    if (found) {
      shared.token[upto - 1] = thread;
      shared.id[upto - 1] = id;
    }
    __syncthreads();
    if (j < a.width) {
      const T* from = a.dy + begin * a.width + j;
      constexpr int ahead = 8;
      int k = 0;
      for (; k + ahead <= listed; k += ahead) {
        W v[ahead];
#pragma unroll
        for (int e = 0; e < ahead; ++e) v[e] = static_cast<W>(from[shared.token[k + e] * a.width]);
#pragma unroll
        for (int e = 0; e < ahead; ++e) shared.sum[shared.id[k + e]][thread] += v[e];
      }
      for (; k < listed; ++k) shared.sum[shared.id[k]][thread] += static_cast<W>(from[shared.token[k] * a.width]);
    }
    __syncthreads();
  }
  if (j >= a.width) return;
  const Index ids = a.vocabulary - first_id < embedding_range ? a.vocabulary - first_id : embedding_range;
  for (Index v = 0; v < ids; ++v) a.partial[(tile * a.vocabulary + first_id + v) * a.width + j] = shared.sum[v][thread];
}

}  // namespace ligase::inline LIGASE_ISA::kernels

namespace ligase::inline LIGASE_ISA::device {

template <class T>
void embedding_forward(Context<cuda>&, const Tensor<std::int32_t, cuda>& ids, const Tensor<wide_t<T>, cuda>& weight,
                       Tensor<T, cuda>& out) {
  const Index width = weight.size(1);
  launch({.blocks = kernels::blocks_of(ids.count(), kernels::embedding_warps), .threads = kernels::embedding_threads},
         kernels::embedding_forward<T>,
         kernels::EmbeddingForwardArguments<T>{.ids = ids.data(),
                                               .weight = weight.data(),
                                               .rows = ids.count(),
                                               .width = width,
                                               .access = kernels::quad_access(width, weight.data(), out.data()),
                                               .out = out.data()});
}

/// Tiles of at least 256 tokens, and of 4 V, so that the partial sums take at most a quarter of dy's numbers.
template <class T>
void embedding_backward(Context<cuda>& context, const Tensor<T, cuda>& dy, const Tensor<std::int32_t, cuda>& ids,
                        Tensor<wide_t<T>, cuda>& dweight) {
  using W = wide_t<T>;
  const Index tokens = ids.count(), vocabulary = dweight.size(0), width = dweight.size(1);
  const Index tile_tokens = round_up(std::max<Index>(1, 4 * vocabulary), kernels::embedding_chunk);
  const Index tiles = kernels::blocks_of(tokens, tile_tokens);
  Tensor<W, cuda> partial({tiles, vocabulary, width});
  launch({.blocks = tiles * kernels::blocks_of(vocabulary, kernels::embedding_range) *
                    kernels::blocks_of(width, kernels::embedding_threads),
          .threads = kernels::embedding_threads,
          .shared_bytes = static_cast<Index>(sizeof(kernels::EmbeddingShared<W>))},
         kernels::embedding_backward<T>,
         kernels::EmbeddingBackwardArguments<T>{.dy = dy.data(),
                                                .ids = ids.data(),
                                                .tokens = tokens,
                                                .tile_tokens = tile_tokens,
                                                .vocabulary = vocabulary,
                                                .width = width,
                                                .partial = partial.data()});
  sum_rows_add(context, partial, dweight);
}

}  // namespace ligase::inline LIGASE_ISA::device
