#pragma once

#include <ligase/ops/cuda/scan_forward.cuh>

/// Selective scan backward: both directions of all sequences in one launch per window of steps.
///
/// A block has the same channels, sequence and direction as forward and walks back over blocks of 64 steps, whose first states
/// forward kept, in tiles of 32 steps (N 16): the scanning role first walks forward over all tiles but the last to know the
/// states where they begin, then takes the tiles from the last to the first, each in two halves:
///   forward over the tile, states of all its steps to shared memory (each read again by the thread that wrote it);
///   back over it with the adjoint in registers, exponentials once more.
/// So an element costs 2.5 exponentials; keeping a as well would save one of them for 32 KiB more of shared memory. The other
/// role meanwhile stores what the tile before gave and loads the next one (first half), and makes it ready (second half).
///
/// dB and dC are sums over channels: over the 4 of a warp by halving (3 shuffles for the 4 numbers of a pair of states), over
/// the warps and then over the E / 16 tiles of channels in order. The parts of the tiles, 2 N numbers each per token and run,
/// would be 4 KiB at E 512 and N 16; so a launch covers a window of steps whose parts fit a fixed budget, and the adjoint is
/// carried to the next launch in memory, which changes no bits. No atomics.
///
/// Issue slots per element at N 16, estimated: walk forward 4.5 x 1.5, back 13, dB and dC 7, sums over states 2.5, other role 4.
namespace ligase::inline LIGASE_ISA::kernels {

template <class T>
struct ScanGradientRun {
  using W = wide_t<T>;
  const T* dy;  ///< [rows, E]
  T *du, *ddelta;
  W* adjoint;          ///< [sequences, E, N], carried from window to window
  W *dA, *dD, *dbias;  ///< [parts, E, N], [parts, E], [parts, E]
};

template <class T>
struct ScanBackwardArguments {
  ScanSizes sizes;
  ScanRun<T> run[2];
  ScanGradientRun<T> gradient[2];
  Index first_sequence, group;       ///< sequences of this launch
  Index window_begin, window_steps;  ///< steps of this launch; begins at a kept block
  Index part;                        ///< the window's first row of dA, dD and dbias
  wide_t<T>* dbc_parts;              ///< [group, runs, tiles, window_steps, 2 padded N]
};

template <class Tr>
struct alignas(16) ScanBackwardShared {
  using W = typename Tr::W;
  static constexpr int warps = Tr::scanners / warp_lanes, tiles = kept_steps / Tr::steps;
  typename Tr::Channels u[2], dy[2], slope[2], dt[2], x[2];  ///< u and slope become du and ddelta
  typename Tr::Ranks ranks;
  typename Tr::BC bc[2];
  W h[Tr::steps * Tr::scanners * Tr::states], start[tiles * Tr::scanners * Tr::states];
  W dbc[warps * Tr::steps * 2 * Tr::padded];
  StepWeights<Tr> weights;
};

/// A lane's states side by side in shared memory.
template <int N, class W>
__device__ __forceinline__ void put_states(W* to, const W (&h)[N]) {
  constexpr int n = 16 / static_cast<int>(sizeof(W)) < N ? 16 / static_cast<int>(sizeof(W)) : N;
#pragma unroll
  for (int i = 0; i < N; i += n) {
    Vector<W, n> v;
#pragma unroll
    for (int k = 0; k < n; ++k) v.element[k] = h[i + k];
    *reinterpret_cast<Vector<W, n>*>(to + i) = v;
  }
}
template <int N, class W>
__device__ __forceinline__ void get_states(const W* from, W (&h)[N]) {
  constexpr int n = 16 / static_cast<int>(sizeof(W)) < N ? 16 / static_cast<int>(sizeof(W)) : N;
#pragma unroll
  for (int i = 0; i < N; i += n) {
    const auto v = *reinterpret_cast<const Vector<W, n>*>(from + i);
#pragma unroll
    for (int k = 0; k < n; ++k) h[i + k] = v.element[k];
  }
}

/// A place in the walk back: tile `tile()` of the block of kept steps that begins at `block`, either to be passed forward only,
/// for the states behind it, or to be taken.
struct BackwardStage {
  Index block;
  int tiles, position;

  __device__ bool takes() const { return position >= tiles - 1; }
  __device__ int tile() const { return takes() ? 2 * (tiles - 1) - position : position; }
  __device__ BackwardStage next(int full) const {
    if (position + 1 < 2 * tiles - 1) return {block, tiles, position + 1};
    return {block - kept_steps, full, 0};
  }
};

/// The scanning role's registers: one channel's states.
template <class Tr>
struct LaneAdjoint {
  using W = typename Tr::W;
  static constexpr int states = Tr::states;
  W rate[states], adjoint[states], by_rate[states];
  W by_skip = W(0), by_bias = W(0);

  __device__ __forceinline__ void forward(W (&h)[states], W dt, W x, const W* bc) const {
#pragma unroll
    for (int p = 0; p < Tr::pairs; ++p) {
      W v[4];
      load_four(bc + 4 * p, v);
#pragma unroll
      for (int k = 0; k < 2; ++k) h[2 * p + k] = math::fma(exp2_approx(dt * rate[2 * p + k]), h[2 * p + k], x * v[k]);
    }
  }
  /// One step back: g = dy, h after and h before it. `dbc` receives the warp's sums of dB and dC; by_x and by_step are the
  /// lane's parts of the gradients of x = dt u and, over ln 2, of dt.
  __device__ __forceinline__ void back(W dt, W x, W g, const W (&after)[states], const W (&before)[states], const W* bc,
                                       int warp_lane, W* dbc, W& by_x, W& by_step) {
    by_x = by_step = W(0);
#pragma unroll
    for (int p = 0; p < Tr::pairs; ++p) {
      W v[4], sums[4];
      load_four(bc + 4 * p, v);
#pragma unroll
      for (int k = 0; k < 2; ++k) {
        const int n = 2 * p + k;
        adjoint[n] = math::fma(g, v[2 + k], adjoint[n]);
        sums[k] = adjoint[n] * x;
        sums[2 + k] = g * after[n];
        by_x = math::fma(adjoint[n], v[k], by_x);
        adjoint[n] *= exp2_approx(dt * rate[n]);
        const W by_exponent = adjoint[n] * before[n];
        by_step = math::fma(by_exponent, rate[n], by_step);
        by_rate[n] = math::fma(by_exponent, dt, by_rate[n]);
      }
      dbc[4 * p] = sum_transposed<4, scan_lanes>(sums, warp_lane);
    }
  }
};

template <class Tr>
__global__ void __launch_bounds__(2 * role_threads, Tr::resident)
    scan_backward(ScanBackwardArguments<typename Tr::T> a) {
  using W = typename Tr::W;
  constexpr int full = kept_steps / Tr::steps, states = Tr::states;
  auto& s = device::block_shared<ScanBackwardShared<Tr>>();
  const ScanSizes& sizes = a.sizes;
  const ScanPlace place(sizes, Tr::channels, blockIdx.x);
  const ScanRun<typename Tr::T> run = place.run == 0 ? a.run[0] : a.run[1];
  const ScanGradientRun<typename Tr::T> to = place.run == 0 ? a.gradient[0] : a.gradient[1];
  const Index number = a.first_sequence + place.sequence, first = place.first_channel;
  const Sequence sequence = sizes.sequences[number];
  const int warp = warp_of_block(), role = warp / role_warps, thread = static_cast<int>(threadIdx.x) % role_threads;
  const int channel = thread / scan_lanes, lane = thread % scan_lanes;
  const Index e = first + channel;

  // The walk: blocks of kept steps from the last of the window to its first.
  Index end = a.window_begin + a.window_steps;
  if (end > sequence.length) end = sequence.length;
  const bool any = end > a.window_begin;
  BackwardStage stage{(end - 1) / kept_steps * kept_steps, 1, 0};
  if (any) stage.tiles = static_cast<int>(blocks_of(end - stage.block, Tr::steps));
  const auto tile_at = [&](const BackwardStage& t) {
    return ScanTile(run.direction, sequence, t.block + t.tile() * Tr::steps, Tr::steps);
  };
  const auto remains = [&](const BackwardStage& t) { return any && t.block >= a.window_begin; };

  for (int i = static_cast<int>(threadIdx.x); i < 2 * Tr::steps * Tr::bc_pitch; i += 2 * role_threads)
    s.bc[i / (Tr::steps * Tr::bc_pitch)][i % (Tr::steps * Tr::bc_pitch)] = W(0);
  s.weights.load(run, sizes, first, static_cast<int>(threadIdx.x), 2 * role_threads);
  tile_barrier();

  // Every role passes the same number of barriers.
  if (role == 0) {
    const bool scans = warp < Tr::scanners / warp_lanes;
    const int row = channel * Tr::pitch;
    W* const dbc = s.dbc + warp * Tr::steps * 2 * Tr::padded + lane * Tr::pairs * 4 + channel % 4;
    LaneAdjoint<Tr> own;
    constexpr bool early = states <= 4;  // loads the states at the begin of the next block before they are needed
    W kept[states];
    const Index at = (number * sizes.channels + e) * sizes.states;
    const auto inside = [&](int k) { return e < sizes.channels && lane * states + k < sizes.states; };
    const auto load_kept = [&](Index block) {
#pragma unroll
      for (int k = 0; k < states; ++k)
        kept[k] =
            inside(k) ? run.kept[sizes.kept(sequence.block + block / kept_steps, e) + (lane * states + k) * 16] : W(0);
    };
    if (scans) {
#pragma unroll
      for (int k = 0; k < states; ++k) {
        own.rate[k] = inside(k) ? run.A[e * sizes.states + lane * states + k] * log2_of_e<W> : W(0);
        own.adjoint[k] = inside(k) ? to.adjoint[at + lane * states + k] : W(0);
        own.by_rate[k] = W(0);
      }
      if (early && any) load_kept(stage.block);
    }
    tile_barrier();
    tile_barrier();
    for (int slot = 0; remains(stage); stage = stage.next(full), slot ^= 1) {
      const int count = tile_at(stage).count, tile = stage.tile();
      W* const start = s.start + (tile * Tr::scanners + thread) * states;
      W* const h_of_step = s.h + thread * states;
      const W* const bc = s.bc[slot] + lane * Tr::pairs * 4;
      const int groups = static_cast<int>(blocks_of(count, scan_lanes));
      if (scans) {
        if (!early && stage.position == 0) load_kept(stage.block);
        if (stage.position == 0) put_states(start, kept);
        W h[states];
        get_states(start, h);
#pragma unroll 1
        for (int k = 0; k < groups * scan_lanes; k += 4) {
          W dt[4], x[4];
          load_four(s.dt[slot] + row + k, dt);
          load_four(s.x[slot] + row + k, x);
#pragma unroll
          for (int j = 0; j < 4; ++j) {
            own.forward(h, dt[j], x[j], bc + (k + j) * Tr::bc_pitch);
            if (stage.takes()) put_states(h_of_step + (k + j) * Tr::scanners * states, h);
            if constexpr (states > 8) __syncwarp();  // keeps the loads of later steps behind this one
          }
        }
        if (!stage.takes()) put_states(start + Tr::scanners * states, h);
      }
      tile_barrier();
      if (scans && stage.takes()) {
        if (early && tile == 0 && stage.block > a.window_begin) load_kept(stage.block - kept_steps);
        W after[states], before[states];
        get_states(h_of_step + (groups * scan_lanes - 1) * Tr::scanners * states, after);
        const auto back = [&](int step, W dt, W x, W g, W& by_x, W& by_step) {
          get_states(step > 0 ? h_of_step + (step - 1) * Tr::scanners * states : start, before);
          own.back(dt, x, g, after, before, bc + step * Tr::bc_pitch, thread % warp_lanes, dbc + step * 2 * Tr::padded,
                   by_x, by_step);
#pragma unroll
          for (int n = 0; n < states; ++n) after[n] = before[n];
        };
#pragma unroll 1
        for (int k = (groups - 1) * scan_lanes; k >= 0; k -= scan_lanes) {
          const int i = row + k + lane;  // the lane's own step of the eight
          W x, step;
          if constexpr (states <= 4) {
            W by_x[scan_lanes], by_step[scan_lanes];
#pragma unroll
            for (int half = 4; half >= 0; half -= 4) {
              W dt4[4], x4[4], g4[4];
              load_four(s.dt[slot] + row + k + half, dt4);
              load_four(s.x[slot] + row + k + half, x4);
              load_four(s.dy[slot] + row + k + half, g4);
#pragma unroll
              for (int j = 3; j >= 0; --j) back(k + half + j, dt4[j], x4[j], g4[j], by_x[half + j], by_step[half + j]);
            }
            x = sum_transposed<scan_lanes, 1>(by_x, lane);
            step = sum_transposed<scan_lanes, 1>(by_step, lane);
          } else {
            x = step = W(0);
#pragma unroll 1
            for (int j = scan_lanes - 1; j >= 0; --j) {
              W by_x, by_step;
              const int at_step = row + k + j;
              back(k + j, s.dt[slot][at_step], s.x[slot][at_step], s.dy[slot][at_step], by_x, by_step);
              by_x = sum_of_lanes(by_x);
              by_step = sum_of_lanes(by_step);
              if (lane == j) x = by_x, step = by_step;
            }
          }
          step *= log_of_2<W>;
          const W u = s.u[slot][i], dt = s.dt[slot][i], g = s.dy[slot][i];
          const W by_delta = math::fma(x, u, step) * s.slope[slot][i];
          s.u[slot][i] = math::fma(x, dt, g * s.weights.skip[channel]);
          s.slope[slot][i] = by_delta;
          own.by_skip = math::fma(g, u, own.by_skip);
          own.by_bias += by_delta;
        }
      }
      tile_barrier();
    }
    if (!scans) return;
    const Index part = a.part + place.sequence;
#pragma unroll
    for (int k = 0; k < states; ++k) {
      if (!inside(k)) continue;
      to.adjoint[at + lane * states + k] = own.adjoint[k];
      to.dA[(part * sizes.channels + e) * sizes.states + lane * states + k] = own.by_rate[k];
    }
    own.by_skip = sum_of_lanes(own.by_skip);
    own.by_bias = sum_of_lanes(own.by_bias);
    if (lane == 0 && e < sizes.channels) {
      to.dD[part * sizes.channels + e] = own.by_skip;
      to.dbias[part * sizes.channels + e] = own.by_bias;
    }
  } else {
    const Index tiles = blocks_of(sizes.channels, Tr::channels);
    W* const parts = a.dbc_parts +
                     ((place.sequence * sizes.runs + place.run) * tiles + place.tile) * a.window_steps * 2 * Tr::padded;
    const auto load = [&](const BackwardStage& t, int slot) {
      load_tile<Tr>(tile_at(t), run, t.takes() ? to.dy : nullptr, sizes, first, thread, s.u[slot], s.ranks, s.bc[slot],
                    s.dy[slot]);
    };
    const auto prepare = [&](const BackwardStage& t, int slot) {
      prepare_tile<Tr>(sizes, s.weights, run.delta == nullptr, tile_at(t).count, thread, s.u[slot], s.ranks, s.dt[slot],
                       s.x[slot], nullptr, s.slope[slot]);
    };
    const auto store = [&](const BackwardStage& t, int slot) {
      const ScanTile tile = tile_at(t);
      ChannelQuads<Tr>::store(tile, s.u[slot], to.du, sizes, first, thread);
      ChannelQuads<Tr>::store(tile, s.slope[slot], to.ddelta, sizes, first, thread);
      W* const out = parts + (tile.begin - a.window_begin) * 2 * Tr::padded;
      for (int i = thread; i < tile.count * 2 * Tr::padded; i += role_threads) {
        W sum = s.dbc[i];
#pragma unroll
        for (int w = 1; w < ScanBackwardShared<Tr>::warps; ++w) sum += s.dbc[w * Tr::steps * 2 * Tr::padded + i];
        out[i] = sum;
      }
    };
    if (any) load(stage, 0);
    tile_barrier();
    if (any) prepare(stage, 0);
    tile_barrier();
    BackwardStage before = stage;
    bool pending = false;
    int slot = 0;
    while (remains(stage)) {
      const BackwardStage next = stage.next(full);
      if (pending) store(before, slot ^ 1);
      if (remains(next)) load(next, slot ^ 1);
      tile_barrier();
      if (remains(next)) prepare(next, slot ^ 1);
      tile_barrier();
      pending = stage.takes();
      before = stage;
      stage = next;
      slot ^= 1;
    }
    if (pending) store(before, slot ^ 1);
  }
}

template <class T>
struct SumScanParts {
  ScanSizes sizes;
  Index first_sequence, group, window_begin, window_steps, tiles, padded;
  const wide_t<T>* parts;  ///< [group, runs, tiles, window_steps, 2 padded]
  T* dbc[2];               ///< [rows, width]: columns from `column` on
  Index width, column;
  Direction direction[2];
};

/// dB and dC of a window: the sum over tiles of channels in order. A thread has one number of one step.
template <class T>
__global__ void __launch_bounds__(role_threads) sum_scan_parts(SumScanParts<T> a) {
  const Index row = 2 * a.padded, i = static_cast<Index>(blockIdx.x) * role_threads + threadIdx.x;
  const Index k = i % row, step = i / row % a.window_steps, run = i / row / a.window_steps % a.sizes.runs;
  const Index place = i / row / a.window_steps / a.sizes.runs, n = k / 4 * 2 + k % 2;
  if (place >= a.group || n >= a.sizes.states) return;
  const Sequence sequence = a.sizes.sequences[a.first_sequence + place];
  if (a.window_begin + step >= sequence.length) return;
  const wide_t<T>* p = a.parts + ((place * a.sizes.runs + run) * a.tiles * a.window_steps + step) * row + k;
  wide_t<T> sum = wide_t<T>(0);
#pragma unroll 8
  for (Index t = 0; t < a.tiles; ++t) sum += p[t * a.window_steps * row];
  const Index to = row_at(run == 0 ? a.direction[0] : a.direction[1], sequence, a.window_begin + step);
  (run == 0 ? a.dbc[0] : a.dbc[1])[to * a.width + a.column + (k / 2 % 2) * a.sizes.states + n] = static_cast<T>(sum);
}

}  // namespace ligase::inline LIGASE_ISA::kernels
