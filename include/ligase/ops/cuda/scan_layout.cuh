#pragma once

#include <ligase/ops/cuda/math.cuh>
#include <ligase/ops/cuda/rows.cuh>
#include <ligase/ops/scan_types.hpp>

/// What the kernels of the scan agree on: where sequences lie, how a channel's states are spread over lanes, and tiles of
/// steps in shared memory.
namespace ligase::inline LIGASE_ISA::kernels {

/// Steps between two kept states, and the unit in which sequences are counted.
inline constexpr int kept_steps = static_cast<int>(scan_detail::block_steps);

/// A sequence among the rows of a batch: its first row, its length, and the kept blocks before its own.
struct Sequence {
  Index first, length, block;
};

/// All sequences of a batch in the order of their rows: listed in memory of the device, or `count` of one length.
struct Sequences {
  const Sequence* listed;
  Index count, length;

  LIGASE_HD Sequence operator[](Index i) const {
    return listed ? listed[i] : Sequence{i * length, length, i * blocks_of(length, kept_steps)};
  }
  /// The sequence that a kept block belongs to.
  LIGASE_HD Sequence of_block(Index block) const {
    if (!listed) return (*this)[block / blocks_of(length, kept_steps)];
    Index low = 0, high = count - 1;
    while (low < high) {
      const Index middle = (low + high + 1) / 2;
      if (listed[middle].block <= block)
        low = middle;
      else
        high = middle - 1;
    }
    return listed[low];
  }
};

/// Row of `step` of a walk over a sequence.
LIGASE_HD inline Index row_at(Direction dir, const Sequence& s, Index step) {
  return s.first + token_at(dir, step, s.length);
}

/// Lanes that share a channel; also the steps whose sums over states are taken at once.
inline constexpr int scan_lanes = 8;
/// Threads of a role: scanning, preparing, moving.
inline constexpr int role_threads = 128;
/// The most numbers that a step size is projected from inside the kernels.
inline constexpr int most_rank = 32;

/// States per lane that hold N states: 2, 4, 8, 16 (in double 2, 4, 8); 0 where the kernels do not reach.
template <class W>
int states_per_lane(Index states) {
  for (int s = 2; s <= 64 / static_cast<int>(sizeof(W)); s *= 2)
    if (states <= s * scan_lanes) return s;
  return 0;
}

/// Constants of a scan over activations of type A with S states in the registers of a lane. A lane's states are neighbours:
/// state n belongs to lane n / S. Missing states are zeros.
template <class A, int S, int MostSteps>
struct ScanTraits {
  using T = A;
  using W = wide_t<A>;
  static constexpr int states = S, pairs = S / 2;
  static constexpr int padded = S * scan_lanes;  ///< states with the missing ones
  static constexpr int channels = S <= 4 ? 16 : S == 8 ? 8 : 4;
  static constexpr int scanners = channels * scan_lanes;
  static constexpr int wanted = MostSteps * 2 / S * 4 / static_cast<int>(sizeof(W));
  static constexpr int steps = wanted > scan_lanes ? wanted : scan_lanes;  ///< of a tile
  /// Blocks that registers and shared memory of a multiprocessor should leave room for.
  static constexpr int resident = S == 2 && sizeof(W) == 4 ? 2 : 1;
  static constexpr int pad = 16 / static_cast<int>(sizeof(W));
  static constexpr int pitch = steps + pad;          ///< of a channel's steps
  static constexpr int bc_pitch = 2 * padded + pad;  ///< of a step's B and C
  static_assert(scanners <= role_threads && scanners % warp_lanes == 0);
  static_assert(kept_steps % steps == 0 && steps % scan_lanes == 0);

  using Channels = W[channels * pitch];  ///< [channel][step]
  using Ranks = W[most_rank * pitch];    ///< [r][step]
  using BC = W[steps * bc_pitch];        ///< [step][pair of states]{B, B, C, C}
  using Projection = W[most_rank * channels];
};

/// One direction of a scan. u, y: [rows, E]. The step size before bias and softplus is `delta` [rows, E], or where that is
/// null dt_proj [E, R] times the first R columns of dbc [rows, R + 2 N], whose others are B and C. y may be u.
template <class T>
struct ScanRun {
  using W = wide_t<T>;
  Direction direction;
  const T *u, *delta, *dbc;
  const W *dt_proj, *A, *D, *delta_bias;
  const W* initial;  ///< [sequences, E, N] or null: zeros
  W* final;          ///< [sequences, E, N] or null
  W* kept;           ///< as ScanSaved::states, or null
  T* y;
};

/// Sizes that both passes share. `access`: elements per access of rows of E, and of dbc.
struct ScanSizes {
  Sequences sequences;
  Index channels, states, rank;
  bool softplus;
  int runs, access, dbc_access;

  LIGASE_HD Index width() const { return rank + 2 * states; }
  /// Offset of channel e's state 0 in a kept block; states lie 16 apart.
  LIGASE_HD Index kept(Index block, Index e) const {
    return (block * blocks_of(channels, 16) + e / 16) * states * 16 + e % 16;
  }
};

/// Which tile of channels of which sequence and direction a block walks over; tiles of channels are neighbours in the grid.
struct ScanPlace {
  Index sequence, tile, first_channel;
  int run;

  __device__ ScanPlace(const ScanSizes& sizes, int tile_channels, Index block) {
    const Index tiles = blocks_of(sizes.channels, tile_channels);
    tile = block % tiles;
    run = static_cast<int>(block / tiles % sizes.runs);
    sequence = block / tiles / sizes.runs;
    first_channel = tile * tile_channels;
  }
};

/// Four numbers of shared memory at once.
template <class W>
__device__ __forceinline__ void load_four(const W* p, W (&x)[4]) {
  constexpr int n = 16 / static_cast<int>(sizeof(W));
#pragma unroll
  for (int i = 0; i < 4; i += n) {
    const auto v = *reinterpret_cast<const Vector<W, n>*>(p + i);
#pragma unroll
    for (int k = 0; k < n; ++k) x[i + k] = v.element[k];
  }
}
template <class W>
__device__ __forceinline__ void store_four(W* p, const W (&x)[4]) {
  constexpr int n = 16 / static_cast<int>(sizeof(W));
#pragma unroll
  for (int i = 0; i < 4; i += n) {
    Vector<W, n> v;
#pragma unroll
    for (int k = 0; k < n; ++k) v.element[k] = x[i + k];
    *reinterpret_cast<Vector<W, n>*>(p + i) = v;
  }
}

/// Sums of Count values (2, 4 or 8) over Count lanes that lie `Stride` apart, lane k of them ending with the sum of value k,
/// by halving: Count - 1 shuffles in all. Neighbours are added first, as in a balanced tree over the lanes.
template <int Count, int Stride, class W>
__device__ __forceinline__ W sum_transposed(W (&x)[Count], int lane) {
#pragma unroll
  for (int half = Count / 2, distance = Stride; half > 0; half /= 2, distance *= 2) {
    const bool odd = (lane & distance) != 0;
#pragma unroll
    for (int k = 0; k < half; ++k) {
      const W keep = odd ? x[2 * k + 1] : x[2 * k], send = odd ? x[2 * k] : x[2 * k + 1];
      x[k] = keep + __shfl_xor_sync(all_lanes, send, distance);
    }
  }
  return x[0];
}

/// Sum over the lanes of a channel, in the order of sum_transposed.
template <class W>
__device__ __forceinline__ W sum_of_lanes(W x) {
#pragma unroll
  for (int distance = 1; distance < scan_lanes; distance *= 2) x += __shfl_xor_sync(all_lanes, x, distance);
  return x;
}

}  // namespace ligase::inline LIGASE_ISA::kernels
