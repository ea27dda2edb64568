#pragma once

#include <ligase/core/context.hpp>
#include <ligase/core/tensor.hpp>
#include <ligase/ops/cuda/launch.cuh>
#include <ligase/ops/cuda/scan_tile.cuh>

#include <algorithm>
#include <type_traits>

/// Selective scan forward: both directions of all sequences in one launch.
///
/// A block walks 16 channels of one sequence in one direction from end to end, in tiles of 64 steps; eight lanes share a
/// channel, each with N / 8 states in registers. So one sequence with two strands and two directions, E 512 and N 16, is 128
/// blocks with four scanning warps each: one per scheduler of 132 multiprocessors, without cutting the sequence. Time is
/// walked step by step; the chain that is carried, h = a h + x B, is one multiply-add of 4 clocks, the exponentials before it
/// depend on nothing.
///
/// Three roles of 128 threads keep the exponential units fed where a scheduler has only one scanning warp: while tile k is
/// scanned, k + 1 is made ready (dt_proj, softplus, u dt), k + 2 comes from memory and y of k - 1 goes there; one barrier per
/// tile. Instructions of sm_90 per warp and tile of 64 steps at N 16 and R 16, counted in the machine code: scanning 1,084
/// (for 128 exponentials: exponent, ex2, x B, h and C h 80, loads 13, sums over lanes 28 of the 135 for eight steps), making
/// ready about 410 (of which dt_proj 199), moving about 220. A scheduler issues one per clock and ends an exponential of a
/// warp every 8 clocks, so 1,024 of 1,714 clocks: 60 % of the exponential limit; with step sizes from memory 67 %.
///
/// The convolution is not repeated here: x_proj sums over all channels and needs u = silu(conv(x)) before the scan, so u is
/// in memory and reading it costs the same bytes as reading x. Bytes per token and run in bfloat16 at E 512: u 2 E and y 2 E,
/// kept states 4 E N / 64, dt | B | C 2 (R + 2 N) from memory and E / 16 times that from the cache: 2,656 from memory.
///
/// Bits: the sum over states is a balanced tree over pairs of states however they are spread over lanes; everything else
/// belongs to one state or to one token and channel.
namespace ligase::inline LIGASE_ISA::kernels {

template <class Tr>
struct alignas(16) ScanForwardShared {
  typename Tr::Channels u[2], dt[2], x[2], y[3];
  typename Tr::Ranks ranks[2];
  typename Tr::BC bc[3];
  StepWeights<Tr> weights;
};

template <class T>
struct ScanForwardArguments {
  ScanSizes sizes;
  ScanRun<T> run[2];
};

/// States of one channel in a lane.
template <class Tr>
struct LaneStates {
  using W = typename Tr::W;
  W rate[Tr::states];  ///< A log2(e)
  W h[Tr::states];

  __device__ void load(const ScanSizes& sizes, const ScanRun<typename Tr::T>& run, Index sequence, Index e, int lane) {
#pragma unroll
    for (int k = 0; k < Tr::states; ++k) {
      const Index n = lane * Tr::states + k;
      const bool inside = e < sizes.channels && n < sizes.states;
      rate[k] = inside ? run.A[e * sizes.states + n] * log2_of_e<W> : W(0);
      h[k] = inside && run.initial ? run.initial[(sequence * sizes.channels + e) * sizes.states + n] : W(0);
    }
  }
  /// One step; returns the lane's part of sum_n C h.
  __device__ __forceinline__ W advance(W dt, W x, const W* bc) {
    W leaf[Tr::pairs];
#pragma unroll
    for (int p = 0; p < Tr::pairs; ++p) {
      W v[4];
      load_four(bc + 4 * p, v);
      W &h0 = h[2 * p], &h1 = h[2 * p + 1];
      h0 = math::fma(exp2_approx(dt * rate[2 * p]), h0, x * v[0]);
      h1 = math::fma(exp2_approx(dt * rate[2 * p + 1]), h1, x * v[1]);
      leaf[p] = math::fma(v[3], h1, v[2] * h0);
    }
#pragma unroll
    for (int d = 1; d < Tr::pairs; d *= 2)
#pragma unroll
      for (int p = 0; p + d < Tr::pairs; p += 2 * d) leaf[p] += leaf[p + d];
    return leaf[0];
  }
  __device__ void store(const ScanSizes& sizes, Index e, int lane, W* to, Index stride) const {
#pragma unroll
    for (int k = 0; k < Tr::states; ++k) {
      const Index n = lane * Tr::states + k;
      if (e < sizes.channels && n < sizes.states) to[n * stride] = h[k];
    }
  }
};

/// The scanning role's walk over one tile, eight steps at a time. y holds D u before. The sums over lanes of eight steps
/// are taken among the exponentials of the next eight: a scheduler may have no other scanning warp to hide them behind.
template <class Tr>
__device__ __forceinline__ void scan_tile(LaneStates<Tr>& states, int count, int channel, int lane,
                                          const typename Tr::W* dt, const typename Tr::W* x, const typename Tr::W* bc,
                                          typename Tr::W* y) {
  using W = typename Tr::W;
  dt += channel * Tr::pitch;
  x += channel * Tr::pitch;
  y += channel * Tr::pitch + lane;
  bc += lane * Tr::pairs * 4;
  if constexpr (Tr::states <= 4) {
    W part[scan_lanes], before[scan_lanes] = {};
#pragma unroll 2
    for (int first = 0; first < count; first += scan_lanes) {
      const W skip = first > 0 ? y[first - scan_lanes] : W(0);
#pragma unroll
      for (int half = 0; half < scan_lanes; half += 4) {
        W step[4], product[4];
        load_four(dt + first + half, step);
        load_four(x + first + half, product);
#pragma unroll
        for (int k = 0; k < 4; ++k)
          part[half + k] = states.advance(step[k], product[k], bc + (first + half + k) * Tr::bc_pitch);
      }
      const W sum = sum_transposed<scan_lanes, 1>(before, lane);
      if (first > 0) y[first - scan_lanes] = skip + sum;
#pragma unroll
      for (int k = 0; k < scan_lanes; ++k) before[k] = part[k];
    }
    y[(count - 1) / scan_lanes * scan_lanes] += sum_transposed<scan_lanes, 1>(before, lane);
  } else {
#pragma unroll 1
    for (int first = 0; first < count; first += scan_lanes) {
      W own = W(0);
#pragma unroll 1
      for (int k = 0; k < scan_lanes; ++k) {
        const W sum = sum_of_lanes(states.advance(dt[first + k], x[first + k], bc + (first + k) * Tr::bc_pitch));
        if (lane == k) own = sum;
      }
      y[first] += own;
    }
  }
}

template <class Tr>
__global__ void __launch_bounds__(3 * role_threads, Tr::resident) scan_forward(ScanForwardArguments<typename Tr::T> a) {
  auto& s = device::block_shared<ScanForwardShared<Tr>>();
  const ScanSizes& sizes = a.sizes;
  const ScanPlace place(sizes, Tr::channels, blockIdx.x);
  const ScanRun<typename Tr::T> run = place.run == 0 ? a.run[0] : a.run[1];
  const Sequence sequence = sizes.sequences[place.sequence];
  const Index first = place.first_channel, tiles = blocks_of(sequence.length, Tr::steps);
  const int warp = warp_of_block(), role = warp / role_warps, thread = static_cast<int>(threadIdx.x) % role_threads;
  const int channel = thread / scan_lanes, lane = thread % scan_lanes;
  const Index e = first + channel;
  const auto tile_at = [&](Index k) { return ScanTile(run.direction, sequence, k * Tr::steps, Tr::steps); };

  for (int i = static_cast<int>(threadIdx.x); i < 3 * Tr::steps * Tr::bc_pitch; i += 3 * role_threads)
    s.bc[i / (Tr::steps * Tr::bc_pitch)][i % (Tr::steps * Tr::bc_pitch)] = typename Tr::W(0);
  s.weights.load(run, sizes, first, static_cast<int>(threadIdx.x), 3 * role_threads);
  tile_barrier();

  // Every role passes the same number of barriers.
  const Index last = tiles + 3;
  if (role == 0) {
    LaneStates<Tr> states;
    const bool scans = warp < Tr::scanners / warp_lanes;
    if (scans) states.load(sizes, run, place.sequence, e, lane);
    for (Index i = 0; i < last; ++i) {
      const Index k = i - 2;
      if (scans && k >= 0 && k < tiles) {
        if (run.kept && k * Tr::steps % kept_steps == 0)
          states.store(sizes, e, lane, run.kept + sizes.kept(sequence.block + k * Tr::steps / kept_steps, e), 16);
        scan_tile<Tr>(states, tile_at(k).count, channel, lane, s.dt[k % 2], s.x[k % 2], s.bc[k % 3], s.y[k % 3]);
      }
      tile_barrier();
    }
    if (scans && run.final)
      states.store(sizes, e, lane, run.final + (place.sequence * sizes.channels + e) * sizes.states, 1);
  } else if (role == 1) {
    for (Index i = 0; i < last; ++i) {
      const Index k = i - 1;
      if (k >= 0 && k < tiles)
        prepare_tile<Tr>(sizes, s.weights, run.delta == nullptr, tile_at(k).count, thread, s.u[k % 2], s.ranks[k % 2],
                         s.dt[k % 2], s.x[k % 2], s.y[k % 3], nullptr);
      tile_barrier();
    }
  } else {
    for (Index i = 0; i < last; ++i) {
      if (i < tiles)
        load_tile<Tr>(tile_at(i), run, nullptr, sizes, first, thread, s.u[i % 2], s.ranks[i % 2], s.bc[i % 3], nullptr);
      if (i >= 3) ChannelQuads<Tr>::store(tile_at(i - 3), s.y[(i - 3) % 3], run.y, sizes, first, thread);
      tile_barrier();
    }
  }
}

}  // namespace ligase::inline LIGASE_ISA::kernels

namespace ligase::inline LIGASE_ISA::device::scan_cuda {

/// f(states per lane as a constant).
template <class W, class F>
void with_states_per_lane(int states, F&& f) {
  if (states == 2) return f(std::integral_constant<int, 2>{});
  if (states == 4) return f(std::integral_constant<int, 4>{});
  if (states == 8) return f(std::integral_constant<int, 8>{});
  if constexpr (sizeof(W) == 4)
    if (states == 16) return f(std::integral_constant<int, 16>{});
  throw Error{{.kind = ErrorKind::usage,
               .what = "selective scan on cuda: too many states per channel",
               .expected = sizeof(W) == 4 ? "at most 128" : "at most 64"}};
}

/// Rows that are read by one access: all rows of E, all of dbc.
template <class T>
void set_access(kernels::ScanSizes& sizes, const kernels::ScanRun<T> (&run)[2]) {
  sizes.access = sizes.dbc_access = kernels::quad;
  for (int i = 0; i < sizes.runs; ++i) {
    sizes.access = std::min(sizes.access, kernels::quad_access(sizes.channels, run[i].u, run[i].delta, run[i].y));
    sizes.dbc_access = std::min(sizes.dbc_access, kernels::quad_access(sizes.width(), run[i].dbc));
  }
}

/// `states_per_lane`: 0 for the least that hold N states; all give the same bits.
template <class T>
void scan_forward(kernels::ScanForwardArguments<T> a, int states_per_lane = 0) {
  using W = wide_t<T>;
  set_access(a.sizes, a.run);
  with_states_per_lane<W>(states_per_lane ? states_per_lane : kernels::states_per_lane<W>(a.sizes.states), [&](auto s) {
    using Traits = kernels::ScanTraits<T, s(), 64>;
    using Shared = kernels::ScanForwardShared<Traits>;
    static_assert(sizeof(Shared) <= 25 * 1024 * sizeof(W));
    launch({.blocks = a.sizes.sequences.count * a.sizes.runs * kernels::blocks_of(a.sizes.channels, Traits::channels),
            .threads = 3 * kernels::role_threads,
            .shared_bytes = static_cast<Index>(sizeof(Shared))},
           kernels::scan_forward<Traits>, a);
  });
}

}  // namespace ligase::inline LIGASE_ISA::device::scan_cuda
