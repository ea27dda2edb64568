#pragma once

#include <ligase/core/simd.hpp>
#include <ligase/ops/cpu/scratch.hpp>
#include <ligase/ops/scan_types.hpp>

#include <algorithm>
#include <type_traits>

/// Lanes are 16 channels, registers are states. A work item is one sequence and a slab of up to 8 groups of 16 channels; it
/// walks over blocks of 64 tokens and, inside a block, over its groups, so that rows are read in runs of a cache line and
/// more and everything else stays in the caches. States are padded with zeros to a multiple of 8.
namespace ligase::inline LIGASE_ISA::device::scan_cpu {

using scan_detail::block_steps;
using scan_detail::View;
using simd::lanes;
using simd::Pack;

inline constexpr Index slab_groups = scan_detail::slab_channels / lanes;

/// States that a walk holds in registers: a multiple of 8, and 16 where there are 32 registers of 16 numbers.
inline constexpr Index chunk_states = 8;
#if defined(__AVX512F__)
template <class T>
inline constexpr bool wide_chunks = std::is_same_v<T, float>;
#else
template <class T>
inline constexpr bool wide_chunks = false;
#endif

/// The place of a work item: a sequence, its slab of channels, and the way through its tokens.
struct Place {
  Direction dir;
  Index sequence, slab, first_channel, groups;

  template <class T>
  Place(Direction direction, const View<T>& in, Index item)
      : dir(direction),
        sequence(item / in.slabs()),
        slab(item % in.slabs()),
        first_channel(slab * scan_detail::slab_channels),
        groups((std::min(in.channels - first_channel, scan_detail::slab_channels) + lanes - 1) / lanes) {}

  template <class T>
  Index channel(const View<T>&, Index group) const {
    return first_channel + group * lanes;
  }
  template <class T>
  Index width(const View<T>& in, Index group) const {
    return std::min(lanes, in.channels - channel(in, group));
  }
  template <class T>
  Index token(const View<T>& in, Index step) const {
    return sequence * in.length + token_at(dir, step, in.length);
  }
};

/// rows [channel, n] -> packs [n], zeros beyond the states and channels.
template <class T>
void gather_states(const T* rows, Index states, Index width, T scale, Index count, Pack<T>* out) {
  alignas(128) T lane[lanes];
  for (Index n = 0; n < count; ++n) {
    for (Index k = 0; k < lanes; ++k) lane[k] = rows && n < states && k < width ? rows[k * states + n] * scale : T(0);
    out[n] = simd::load(lane);
  }
}
template <class T>
void scatter_states(const Pack<T>* in, Index states, Index width, T* rows) {
  alignas(128) T lane[lanes];
  for (Index n = 0; n < states; ++n) {
    simd::store(lane, in[n]);
    for (Index k = 0; k < width; ++k) rows[k * states + n] = lane[k];
  }
}

/// Largest |x| of a lane.
template <class T>
T largest(const Pack<T>& x) {
  alignas(128) T lane[lanes];
  simd::store(lane, simd::abs(x));
  return *std::max_element(lane, lane + lanes);
}

/// Largest magnitude among the decay rates of a group.
template <class T>
T reach_of(const Pack<T>* a, Index states) {
  Pack<T> reach{};
  for (Index n = 0; n < states; ++n) reach = simd::max(simd::abs(a[n]), reach);
  return largest<T>(reach);
}

/// B and C of a block: step k has its B, of padded states, at rows + k stride, and its C `states` behind.
template <class T>
struct BC {
  const T* rows;
  Index stride, states;

  /// The operand's own rows where their states need no padding, else a copy in `room`, [64, 2 padded states].
  static BC of(const View<T>& in, const Place& place, Index begin, Index count, Index padded_states, T* room) {
    if (padded_states == in.states)
      return {in.bc + place.token(in, begin) * 2 * in.states,
              place.dir == Direction::forward ? 2 * in.states : -2 * in.states, in.states};
    T* out = room;
    for (Index k = 0; k < count; ++k) {
      const T* row = in.bc + place.token(in, begin + k) * 2 * in.states;
      for (int half = 0; half < 2; ++half, row += in.states, out += padded_states)
        std::fill(std::copy(row, row + in.states, out), out + padded_states, T(0));
    }
    return {room, 2 * padded_states, padded_states};
  }
  const T* B(Index step) const { return rows + step * stride; }
  const T* C(Index step) const { return B(step) + states; }
  BC from_state(Index n) const { return {rows + n, stride, states}; }
};

/// exp2(t a). Without `clamped`, |t a| must be below the format's exponents; where it is, both forms give the same bits.
template <bool clamped, class V>
LIGASE_INLINE V decay(V t, V a) {
  const V x = t * a;
  return simd::exp2_within(clamped ? simd::exp2_clamped(x) : x);
}

/// Steps of one group in one block.
template <class T>
struct BlockSteps {
  Pack<T> dt[block_steps], x[block_steps], u[block_steps], y[block_steps];

  /// dt = softplus(delta + bias), x = dt u, y = D u; returns the largest |dt|. With `slopes`, `slope` receives what softplus has.
  template <bool slopes = false>
  T prepare(const View<T>& in, const Place& place, Index group, Index begin, Index count, Pack<T>* slope = nullptr) {
    const Index width = place.width(in, group), e = place.channel(in, group);
    const Pack<T> bias = in.delta_bias ? simd::load(in.delta_bias + e, width) : Pack<T>{};
    const Pack<T> skip = in.D ? simd::load(in.D + e, width) : Pack<T>{};
    Pack<T> bound{};
    for (Index k = 0; k < count; ++k) {
      const Index i = place.token(in, begin + k) * in.channels + e;
      const Pack<T> delta = simd::load(in.delta + i, width) + bias;
      u[k] = simd::load(in.u + i, width);
      if constexpr (slopes) {
        if (in.softplus) dt[k] = simd::softplus(delta, slope[k]);
      } else {
        if (in.softplus) dt[k] = simd::softplus(delta);
      }
      if (!in.softplus) dt[k] = delta;
      x[k] = dt[k] * u[k];
      y[k] = skip * u[k];
      bound = simd::max(simd::abs(dt[k]), bound);
    }
    return largest<T>(bound);
  }
};

/// Rows that the next four groups of a work item will touch: fetched towards the cache while four groups are walked, because
/// runs of a few cache lines at the distance of a row escape the hardware's prefetchers. A step fetches four neighbouring
/// lines of one array, not one of each: arrays of equal size often lie so that equal places wait for the same bank of memory.
template <class T>
struct Ahead {
  static constexpr Index run = 4, arrays = 4;
  const T* rows[arrays];
  Index stride, count, at, per_step;

  /// For group `group` of the block at `begin`, in the order (block, group); `step` is the distance of blocks. The first operand
  /// must be there.
  Ahead(const View<T>& in, const Place& place, Index group, Index begin, Index step, const T* const (&operands)[arrays])
      : rows{}, stride(place.dir == Direction::forward ? in.channels : -in.channels), count(0), at(0), per_step(0) {
    const Index part = group % run, next = group - part + run;
    const bool same = next < place.groups;
    const Index first = same ? begin : begin + step;
    if (first < 0 || first >= in.length) return;
    count = std::min(block_steps, in.length - first);
    per_step = (run - 1) / (std::min(place.groups, next) - (group - part)) + 1;
    at = part * block_steps * per_step;
    const Index offset = place.token(in, first) * in.channels + place.channel(in, same ? next : 0);
    for (int j = 0; j < arrays; ++j) rows[j] = (operands[j] ? operands[j] : operands[0]) + offset;
  }
  LIGASE_INLINE void fetch(Index k) const {
    for (Index i = at + k * per_step, end = i + per_step; i < end; ++i) {
      const Index row = i / arrays;
      if (row >= count) return;
      for (Index line = 0; line < run; ++line) __builtin_prefetch(rows[i % arrays] + row * stride + line * lanes, 0, 2);
    }
  }
};

/// Walks a block: h = exp2(dt a) h + x B; y += sum over states of C h. With `keep`, `kept` receives h after every step and
/// `decays` its factor: both [steps, states].
template <Index chunk, bool clamped, bool keep, class T>
__attribute__((noinline)) void walk(Index count, const Pack<T>* dt, const Pack<T>* x, Pack<T>* y, const Pack<T>* a,
                                    BC<T> bc, Pack<T>* h, Pack<T>* kept, Pack<T>* decays, Index kept_states,
                                    const Ahead<T>& ahead) {
  using V = Pack<T>;
  V s[chunk];
  for (Index n = 0; n < chunk; ++n) s[n] = h[n];
  for (Index k = 0; k < count; ++k) {
    ahead.fetch(k);
    const T *B = bc.B(k), *C = bc.C(k);
    const V t = dt[k], xk = x[k];
    V even = y[k], odd{};
#if !defined(__CUDACC__)
#pragma GCC unroll 16
#endif
    for (Index n = 0; n < chunk; ++n) {
      const V by = decay<clamped>(t, a[n]);
      s[n] = simd::fma(by, s[n], xk * simd::broadcast(B[n]));
      V& sum = n % 2 == 0 ? even : odd;
      sum = simd::fma(s[n], simd::broadcast(C[n]), sum);
      if constexpr (keep) {
        kept[k * kept_states + n] = s[n];
        decays[k * kept_states + n] = by;
      }
    }
    y[k] = even + odd;
  }
  for (Index n = 0; n < chunk; ++n) h[n] = s[n];
}

/// All of a group's states.
template <bool keep, class T>
void walk_states(Index count, bool clamped, BlockSteps<T>& steps, const Pack<T>* a, const BC<T>& bc,
                 Index padded_states, Pack<T>* h, Pack<T>* kept, Pack<T>* decays, Ahead<T> ahead) {
  const auto chunk = [&]<Index states>(std::integral_constant<Index, states>, Index n) {
    (clamped ? walk<states, true, keep, T>
             : walk<states, false, keep, T>)(count, steps.dt, steps.x, steps.y, a + n, bc.from_state(n), h + n,
                                             keep ? kept + n : nullptr, keep ? decays + n : nullptr, padded_states,
                                             ahead);
    ahead.count = 0;
    return n + states;
  };
  Index n = 0;
  if constexpr (wide_chunks<T>)
    while (n + 2 * chunk_states <= padded_states) n = chunk(std::integral_constant<Index, 2 * chunk_states>{}, n);
  while (n < padded_states) n = chunk(std::integral_constant<Index, chunk_states>{}, n);
}

}  // namespace ligase::inline LIGASE_ISA::device::scan_cpu
