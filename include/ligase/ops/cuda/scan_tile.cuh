#pragma once

#include <ligase/ops/cuda/scan_layout.cuh>

/// Tiles of steps on their way between memory and the scan: moved by one role, made ready by another.
namespace ligase::inline LIGASE_ISA::kernels {

/// The barrier of a block whose roles, whole warps each, meet at different places of the code.
__device__ __forceinline__ void tile_barrier() {
#if defined(__CUDA_ARCH__)
  asm volatile("bar.sync 0;" ::: "memory");
#else
  __syncthreads();
#endif
}

/// The thread's warp of the block, as a number that the compiler knows to be the warp's: what depends on it splits no warp.
__device__ __forceinline__ int warp_of_block() {
  return __shfl_sync(all_lanes, static_cast<int>(threadIdx.x) / warp_lanes, 0);
}
inline constexpr int role_warps = role_threads / warp_lanes;

/// A tile of a walk: `count` steps from `begin`.
struct ScanTile {
  Index begin, first_row;
  int count, sign;

  __device__ ScanTile(Direction direction, const Sequence& of, Index first, int most)
      : begin(first),
        first_row(row_at(direction, of, first)),
        count(of.length - first < most ? static_cast<int>(of.length - first) : most),
        sign(direction == Direction::forward ? 1 : -1) {}
  /// The part of x [rows, width] that belongs to a step.
  template <class T>
  __device__ __forceinline__ T* at(T* x, Index width, int step) const {
    return x + first_row * width + static_cast<Index>(sign * step) * static_cast<int>(width);
  }
};

/// value[k] = p[k stride .. k stride + 3] as they lie in memory, zeros from `count` on; in one access each where `whole` rows
/// allow it, which then end with a quad.
template <int Stride, class T, int Each>
__device__ __forceinline__ void load_quads(const T* p, int count, bool whole, Vector<T, quad> (&value)[Each]) {
  if (whole) {
#pragma unroll
    for (int k = 0; k < Each; ++k) {
#pragma unroll
      for (int e = 0; e < quad; ++e) value[k].element[e] = T(wide_t<T>(0));
      if (k * Stride < count) value[k] = *reinterpret_cast<const Vector<T, quad>*>(p + k * Stride);
    }
  } else {
#pragma unroll
    for (int k = 0; k < Each; ++k)
#pragma unroll
      for (int e = 0; e < quad; ++e) value[k].element[e] = k * Stride + e < count ? p[k * Stride + e] : T(wide_t<T>(0));
  }
}

/// Numbers [rows, E] of a tile in the registers of the moving role: a thread has one step, and every fourth or so quad of
/// channels; so [channel][step] is written without conflicts. Which thread has what is the same for every array, on the way in
/// and out.
template <class Tr>
struct ChannelQuads {
  using T = typename Tr::T;
  using W = typename Tr::W;
  static constexpr int stride = role_threads / Tr::steps * quad, each = (Tr::channels + stride - 1) / stride;
  Vector<T, quad> value[each];

  __device__ static int step_of(int thread) { return thread % Tr::steps; }
  __device__ static int channel_of(int thread) { return thread / Tr::steps * quad; }

  __device__ void load(const ScanTile& tile, const T* x, const ScanSizes& sizes, Index first, int thread) {
    const int step = step_of(thread), c = channel_of(thread);
    const Index left = sizes.channels - first < Tr::channels ? sizes.channels - first : Tr::channels;
    load_quads<stride>(tile.at(x, sizes.channels, step) + first + c, step < tile.count ? static_cast<int>(left) - c : 0,
                       sizes.access == quad, value);
  }
  __device__ void put(W* to, int thread) const {
    const int step = step_of(thread), c = channel_of(thread);
#pragma unroll
    for (int k = 0; k < each; ++k) {
      if (c + k * stride >= Tr::channels) break;
#pragma unroll
      for (int j = 0; j < quad; ++j) to[(c + k * stride + j) * Tr::pitch + step] = static_cast<W>(value[k].element[j]);
    }
  }
  /// From [channel][step] to memory.
  __device__ static void store(const ScanTile& tile, const W* from, T* y, const ScanSizes& sizes, Index first,
                               int thread) {
    const int step = step_of(thread), c = channel_of(thread);
    if (step >= tile.count) return;
    T* p = tile.at(y, sizes.channels, step) + first + c;
#pragma unroll
    for (int k = 0; k < each; ++k) {
      if (c + k * stride >= Tr::channels) break;
      W v[quad];
#pragma unroll
      for (int j = 0; j < quad; ++j) v[j] = from[(c + k * stride + j) * Tr::pitch + step];
      store_quad(p + k * stride, sizes.channels - first - c - k * stride, sizes.access, v);
    }
  }
};

/// The same of dt | B | C, [rows, R + 2 N], as many columns at a time as registers hold.
template <class Tr>
struct RankQuads {
  using T = typename Tr::T;
  using W = typename Tr::W;
  static constexpr int stride = role_threads / Tr::steps * quad, each = 6, columns = each * stride;
  Vector<T, quad> value[each];

  /// Columns from `base` on.
  __device__ void load(const ScanTile& tile, const T* dbc, const ScanSizes& sizes, int base, int thread) {
    const int step = thread % Tr::steps, j = base + thread / Tr::steps * quad, width = static_cast<int>(sizes.width());
    load_quads<stride>(tile.at(dbc, width, step) + j, step < tile.count ? width - j : 0, sizes.dbc_access == quad,
                       value);
  }
  /// `ranks` may be null.
  __device__ void put(const ScanSizes& sizes, int base, int thread, W* ranks, W* bc) const {
    const int rank = static_cast<int>(sizes.rank), states = static_cast<int>(sizes.states);
    const int step = thread % Tr::steps, first = base + thread / Tr::steps * quad;
    W* const bc_row = bc + step * Tr::bc_pitch;
    if (rank % quad == 0 && states % quad == 0) {
#pragma unroll
      for (int k = 0; k < each; ++k) {
        const int j = first + k * stride;
        W v[quad];
#pragma unroll
        for (int e = 0; e < quad; ++e) v[e] = static_cast<W>(value[k].element[e]);
        if (j < rank) {
          if (!ranks) continue;
#pragma unroll
          for (int e = 0; e < quad; ++e) ranks[(j + e) * Tr::pitch + step] = v[e];
        } else if (j < rank + 2 * states) {
          const bool c = j >= rank + states;
          auto* const to = reinterpret_cast<Vector<W, 2>*>(bc_row + (j - rank - (c ? states : 0)) * 2 + (c ? 2 : 0));
          to[0] = {{v[0], v[1]}};
          to[2] = {{v[2], v[3]}};
        }
      }
      return;
    }
#pragma unroll
    for (int k = 0; k < each; ++k) {
#pragma unroll
      for (int e = 0; e < quad; ++e) {
        const int j = first + k * stride + e;
        if (j < rank) {
          if (ranks) ranks[j * Tr::pitch + step] = static_cast<W>(value[k].element[e]);
        } else if (j < rank + 2 * states) {
          const int c = j >= rank + states ? 1 : 0, n = j - rank - c * states;
          bc_row[n / 2 * 4 + n % 2 + 2 * c] = static_cast<W>(value[k].element[e]);
        }
      }
    }
  }
};

/// u, dt | B | C and, where they are given, step sizes and dy of a tile, from memory to shared memory: all loads of usual sizes
/// are under way before the first is waited for.
template <class Tr>
__device__ void load_tile(const ScanTile& tile, const ScanRun<typename Tr::T>& run, const typename Tr::T* dy,
                          const ScanSizes& sizes, Index first, int thread, typename Tr::W* u, typename Tr::W* ranks,
                          typename Tr::W* bc, typename Tr::W* dy_to) {
  using W = typename Tr::W;
  ChannelQuads<Tr> by_channel, by_gradient;
  RankQuads<Tr> by_rank;
  by_channel.load(tile, run.u, sizes, first, thread);
  if (dy) by_gradient.load(tile, dy, sizes, first, thread);
  by_rank.load(tile, run.dbc, sizes, 0, thread);
  by_channel.put(u, thread);
  if (dy) by_gradient.put(dy_to, thread);
  W* const ranks_to = run.delta ? nullptr : ranks;
  by_rank.put(sizes, 0, thread, ranks_to, bc);
  for (int base = RankQuads<Tr>::columns, end = static_cast<int>(sizes.width()); base < end;
       base += RankQuads<Tr>::columns) {
    by_rank.load(tile, run.dbc, sizes, base, thread);
    by_rank.put(sizes, base, thread, ranks_to, bc);
  }
  if (!run.delta) return;
  by_channel.load(tile, run.delta, sizes, first, thread);
  by_channel.put(ranks, thread);
}

/// What a tile of channels needs of the weights before the scan itself.
template <class Tr>
struct alignas(16) StepWeights {
  using W = typename Tr::W;
  typename Tr::Projection projection;  ///< [r][channel]
  W bias[Tr::channels], skip[Tr::channels];

  __device__ void load(const ScanRun<typename Tr::T>& run, const ScanSizes& sizes, Index first, int thread,
                       int threads) {
    const int rank = run.delta ? 0 : static_cast<int>(sizes.rank);
    for (int i = thread; i < rank * Tr::channels; i += threads) {
      const int c = i / rank, r = i % rank;
      projection[r * Tr::channels + c] = first + c < sizes.channels ? run.dt_proj[first * rank + i] : W(0);
    }
    for (int c = thread; c < Tr::channels; c += threads) {
      const bool inside = first + c < sizes.channels;
      bias[c] = inside && run.delta_bias ? run.delta_bias[first + c] : W(0);
      skip[c] = inside && run.D ? run.D[first + c] : W(0);
    }
  }
};

/// dt = softplus(bias + W_dt ranks) and x = dt u of a tile, each [channel][step]; `skip` becomes D u or `slope` the derivative
/// of the step size, where they are not null. A thread has eight steps of one channel: of a step size's R products, one reads the
/// weight and two read eight numbers. Steps that are not there get dt = 0, so they change no state.
template <class Tr>
__device__ void prepare_tile(const ScanSizes& sizes, const StepWeights<Tr>& weights, bool projected, int count,
                             int thread, const typename Tr::W* u, const typename Tr::W* ranks, typename Tr::W* dt,
                             typename Tr::W* x, typename Tr::W* skip, typename Tr::W* slope) {
  using W = typename Tr::W;
  const int rank = static_cast<int>(sizes.rank);
  for (int unit = thread; unit < Tr::channels * Tr::steps / 8; unit += role_threads) {
    const int c = unit % Tr::channels, first = unit / Tr::channels * 8;
    W sum[2][4];
#pragma unroll
    for (int k = 0; k < 8; ++k) sum[k / 4][k % 4] = weights.bias[c];
    for (int r = projected ? 0 : c, end = projected ? rank : c + 1; r < end; ++r) {
      const W weight = projected ? weights.projection[r * Tr::channels + c] : W(1);
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        W v[4];
        load_four(ranks + r * Tr::pitch + first + 4 * half, v);
#pragma unroll
        for (int k = 0; k < 4; ++k) sum[half][k] = math::fma(weight, v[k], sum[half][k]);
      }
    }
    W by[2][4];
#pragma unroll
    for (int k = 0; k < 8; ++k) by[k / 4][k % 4] = W(1);
    if (sizes.softplus) {
#pragma unroll
      for (int k = 0; k < 8; ++k) sum[k / 4][k % 4] = softplus_approx(sum[k / 4][k % 4], by[k / 4][k % 4]);
    }
    if (count < first + 8) {
#pragma unroll
      for (int k = 0; k < 8; ++k)
        if (first + k >= count) sum[k / 4][k % 4] = by[k / 4][k % 4] = W(0);
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int at = c * Tr::pitch + first + 4 * half;
      W product[4], v[4];
      load_four(u + at, v);
#pragma unroll
      for (int k = 0; k < 4; ++k) product[k] = sum[half][k] * v[k];
      store_four(dt + at, sum[half]);
      store_four(x + at, product);
      if (slope) {
        store_four(slope + at, by[half]);
      } else {
#pragma unroll
        for (int k = 0; k < 4; ++k) v[k] *= weights.skip[c];
        store_four(skip + at, v);
      }
    }
  }
}

}  // namespace ligase::inline LIGASE_ISA::kernels
