#pragma once

#include <ligase/core/simd.hpp>
#include <ligase/ops/cpu/scratch.hpp>
#include <ligase/ops/scan_types.hpp>

#include <algorithm>
#include <initializer_list>

/// Lanes are 16 channels, registers are states. A work item is one sequence and a slab of up to 8 groups of 16 channels; it
/// walks over blocks of 64 tokens and, inside a block, over its groups, so that rows are read in runs of a cache line and
/// more and everything else stays in the caches. States are padded with zeros to a multiple of `chunk`.
namespace ligase::inline LIGASE_ISA::device::scan_cpu {

using scan_detail::block_steps;
using scan_detail::View;
using simd::lanes;
using simd::Pack;

inline constexpr Index slab_groups = scan_detail::slab_channels / lanes;

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

/// B and C of a block in the order of the walk: [steps, B of padded states, C of padded states].
template <class T>
void gather_bc(const View<T>& in, const Place& place, Index begin, Index count, Index padded_states, T* out) {
  for (Index k = 0; k < count; ++k) {
    const T* row = in.bc + place.token(in, begin + k) * 2 * in.states;
    for (int half = 0; half < 2; ++half, row += in.states, out += padded_states)
      std::fill(std::copy(row, row + in.states, out), out + padded_states, T(0));
  }
}

/// exp2(t a). Without `clamped`, |t a| must be below the format's exponents; where it is, both forms give the same bits.
template <bool clamped, class V>
LIGASE_INLINE V decay(V t, V a) {
  using F = simd::Format<simd::Lane<V>>;
  const V magic = simd::broadcast(F::magic);
  V shifted = simd::fma(t, a, magic);
  if constexpr (clamped)
    shifted =
        simd::min(simd::broadcast(F::magic + F::largest), simd::max(simd::broadcast(F::magic + F::smallest), shifted));
  V f = simd::fma(t, a, magic - shifted);
  if constexpr (clamped) {
    const V half = simd::broadcast(simd::Lane<V>(0.5));
    f = simd::min(half, simd::max(-half, f));
  }
  return simd::exp2_parts(shifted, f);
}

/// Steps of one group in one block.
template <class T>
struct BlockSteps {
  Pack<T> dt[block_steps], x[block_steps], u[block_steps], y[block_steps];

  /// dt = softplus(delta + bias), x = dt u, y = D u; returns the largest |dt|.
  Pack<T> prepare(const View<T>& in, const Place& place, Index group, Index begin, Index count) {
    const Index width = place.width(in, group), e = place.channel(in, group);
    const Pack<T> bias = in.delta_bias ? simd::load(in.delta_bias + e, width) : Pack<T>{};
    const Pack<T> skip = in.D ? simd::load(in.D + e, width) : Pack<T>{};
    Pack<T> bound{};
    for (Index k = 0; k < count; ++k) {
      const Index i = place.token(in, begin + k) * in.channels + e;
      const Pack<T> delta = simd::load(in.delta + i, width) + bias;
      u[k] = simd::load(in.u + i, width);
      dt[k] = in.softplus ? simd::softplus(delta) : delta;
      x[k] = dt[k] * u[k];
      y[k] = skip * u[k];
      bound = simd::max(simd::abs(dt[k]), bound);
    }
    return bound;
  }
};

/// Rows that the next group of a work item will touch: fetched towards the cache while a walk computes, because runs of a
/// few cache lines at the distance of a row escape the hardware's prefetchers.
template <class T>
struct Ahead {
  const T* rows[4];
  Index arrays, stride, count;

  /// The group after `group` of the block at `begin`, in the order (block, group); `step` is the distance of blocks.
  Ahead(const View<T>& in, const Place& place, Index group, Index begin, Index step,
        std::initializer_list<const T*> operands)
      : rows{}, arrays(0), stride(place.dir == Direction::forward ? in.channels : -in.channels), count(0) {
    const bool same = group + 1 < place.groups;
    const Index first = same ? begin : begin + step;
    if (first < 0 || first >= in.length) return;
    count = std::min(block_steps, in.length - first);
    for (const T* x : operands)
      if (x) rows[arrays++] = x + place.token(in, first) * in.channels + place.channel(in, same ? group + 1 : 0);
  }
  LIGASE_INLINE void fetch(Index k) const {
    if (k < count)
      for (Index j = 0; j < arrays; ++j) __builtin_prefetch(rows[j] + k * stride, 0, 2);
  }
};

/// Walks a block: h = exp2(dt a) h + x B; y += sum over states of C h. With `keep`, `kept` receives h after every step and
/// `decays` its factor: both [steps, states].
template <Index chunk, bool clamped, bool keep, class T>
__attribute__((noinline)) void walk(Index count, const Pack<T>* dt, const Pack<T>* x, Pack<T>* y, const Pack<T>* a,
                                    const T* bc, Index padded_states, Pack<T>* h, Pack<T>* kept, Pack<T>* decays,
                                    const Ahead<T>& ahead) {
  using V = Pack<T>;
  V s[chunk];
  for (Index n = 0; n < chunk; ++n) s[n] = h[n];
  for (Index k = 0; k < count; ++k, bc += 2 * padded_states) {
    ahead.fetch(k);
    const V t = dt[k], xk = x[k];
    V even = y[k], odd{};
#if !defined(__CUDACC__)
#pragma GCC unroll 16
#endif
    for (Index n = 0; n < chunk; ++n) {
      const V by = decay<clamped>(t, a[n]);
      s[n] = simd::fma(by, s[n], xk * simd::broadcast(bc[n]));
      V& sum = n % 2 == 0 ? even : odd;
      sum = simd::fma(s[n], simd::broadcast(bc[padded_states + n]), sum);
      if constexpr (keep) {
        kept[k * padded_states + n] = s[n];
        decays[k * padded_states + n] = by;
      }
    }
    y[k] = even + odd;
  }
  for (Index n = 0; n < chunk; ++n) h[n] = s[n];
}

/// All chunks of a group's states.
template <Index chunk, bool keep, class T>
void walk_states(Index count, bool clamped, BlockSteps<T>& steps, const Pack<T>* a, const T* bc, Index padded_states,
                 Pack<T>* h, Pack<T>* kept, Pack<T>* decays, Ahead<T> ahead) {
  for (Index n = 0; n < padded_states; n += chunk, ahead.count = 0)
    (clamped ? walk<chunk, true, keep, T>
             : walk<chunk, false, keep, T>)(count, steps.dt, steps.x, steps.y, a + n, bc + n, padded_states, h + n,
                                            keep ? kept + n : nullptr, keep ? decays + n : nullptr, ahead);
}

}  // namespace ligase::inline LIGASE_ISA::device::scan_cpu
