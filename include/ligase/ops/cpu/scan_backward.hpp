#pragma once

#include <ligase/core/context.hpp>
#include <ligase/ops/cpu/scan_block.hpp>
#include <ligase/ops/generic/scan.hpp>

namespace ligase::inline LIGASE_ISA::device {
namespace scan_cpu {

/// Where the gradients of a work item go. dbc: [slabs, B, L, 2 N]; by A and initial_state: [B, E, N]; by D and bias: [B, E];
/// those of weights are sums over one sequence. Null where not wanted.
template <class T>
struct BackwardTargets {
  T *u, *delta, *z, *bc, *initial_state, *A, *D, *delta_bias;
};

/// Work memory of a block: behind it lie packs h [65, states], end [states], decays [64, states] and dbc [64, states / 8], of 8
/// states dB, then dC, and numbers bc [64, 2 states].
template <class T>
struct BackwardScratch {
  BlockSteps<T> steps;
  Pack<T> slope[block_steps], g[block_steps], by_x[block_steps], by_dt[block_steps];

  static std::size_t bytes(Index states) {
    return sizeof(BackwardScratch) +
           sizeof(Pack<T>) *
               static_cast<std::size_t>((2 * block_steps + 2) * states + block_steps * states / chunk_states) +
           sizeof(T) * static_cast<std::size_t>(2 * block_steps * states);
  }
};

/// Walks a block back by 8 states, given g (the gradient of y before the gate), h before every step and after the last, its
/// decays, and the adjoint of the state after the block:
///   adjoint += g C;  dC += sum of lanes g h_t;  dB += sum of lanes adjoint x;  by_x += adjoint B;  adjoint *= decay;
///   by_dt += adjoint h_{t-1} a;  dA += adjoint h_{t-1} dt
/// dbc, a pack of 8 dB and 8 dC, has a distance of states / 8 packs from step to step.
template <class T>
__attribute__((noinline)) void walk_back(Index count, BackwardScratch<T>& s, const Pack<T>* a, BC<T> bc, Index states,
                                         const Pack<T>* h, const Pack<T>* decays, Pack<T>* adjoint, Pack<T>* dA,
                                         Pack<T>* dbc, const Ahead<T>& ahead) {
  using V = Pack<T>;
  static_assert(chunk_states == 8);
  V adj[chunk_states], sum_a[chunk_states];
  for (Index n = 0; n < chunk_states; ++n) {
    adj[n] = adjoint[n];
    sum_a[n] = dA[n];
  }
  for (Index k = count - 1; k >= 0; --k) {
    ahead.fetch(k);
    const V t = s.steps.dt[k], x = s.steps.x[k], g = s.g[k];
    const T *B = bc.B(k), *C = bc.C(k);
    const V *before = h + k * states, *after = before + states;
    V by_x = s.by_x[k], by_dt = s.by_dt[k], sums[chunk_states];
#if !defined(__CUDACC__)
#pragma GCC unroll 16
#endif
    for (Index n = 0; n < chunk_states; ++n) {
      adj[n] = simd::fma(g, simd::broadcast(C[n]), adj[n]);
      sums[n] = simd::fold<8>(adj[n] * x, g * after[n]);
      by_x = simd::fma(adj[n], simd::broadcast(B[n]), by_x);
      adj[n] *= decays[k * states + n];
      const V q = adj[n] * before[n];
      by_dt = simd::fma(q, a[n], by_dt);
      sum_a[n] = simd::fma(q, t, sum_a[n]);
    }
    s.by_x[k] = by_x;
    s.by_dt[k] = by_dt;
    dbc[k * (states / chunk_states)] += simd::folded_sums(sums);
  }
  for (Index n = 0; n < chunk_states; ++n) {
    adjoint[n] = adj[n];
    dA[n] = sum_a[n];
  }
}

/// g and, where there is a gate, dz.
template <class T>
void enter_gate(const View<T>& in, const Place& place, Index group, Index begin, Index count, const T* dy,
                BackwardScratch<T>& s, T* dz) {
  const Index width = place.width(in, group), e = place.channel(in, group);
  const Pack<T> one = simd::broadcast(T(1));
  for (Index k = 0; k < count; ++k) {
    const Index i = place.token(in, begin + k) * in.channels + e;
    s.g[k] = simd::load(dy + i, width);
    s.by_x[k] = s.by_dt[k] = Pack<T>{};
    if (!in.z) continue;
    const Pack<T> z = simd::load(in.z + i, width), sigmoid = simd::sigmoid(z);
    simd::store(dz + i, s.g[k] * s.steps.y[k] * (sigmoid * (one + z * (one - sigmoid))), width);
    s.g[k] *= z * sigmoid;
  }
}

/// du and ddelta, and their part of the gradients of D and delta_bias.
template <class T>
void leave(const View<T>& in, const Place& place, Index group, Index begin, Index count, const BackwardScratch<T>& s,
           const BackwardTargets<T>& to, Pack<T>& sum_skip, Pack<T>& sum_bias) {
  const Index width = place.width(in, group), e = place.channel(in, group);
  const Pack<T> skip = in.D ? simd::load(in.D + e, width) : Pack<T>{};
  const Pack<T> ln2 = simd::broadcast(T(0.69314718055994530942));
  for (Index k = count - 1; k >= 0; --k) {
    const Index i = place.token(in, begin + k) * in.channels + e;
    simd::store(to.u + i, s.g[k] * skip + s.by_x[k] * s.steps.dt[k], width);
    Pack<T> by_delta = s.by_dt[k] * ln2 + s.by_x[k] * s.steps.u[k];
    if (in.softplus) by_delta *= s.slope[k];
    simd::store(to.delta + i, by_delta, width);
    sum_skip += s.g[k] * s.steps.u[k];
    sum_bias += by_delta;
  }
}

/// A slab's decay rates, adjoint states and sums, carried from block to block. Lies in memory of bytes(states).
template <class T>
struct BackwardSlab {
  Index states;  ///< padded
  T reach[slab_groups];
  alignas(Pack<T>) Pack<T> sum_skip[slab_groups], sum_bias[slab_groups];

  static std::size_t bytes(Index padded_states) {
    return sizeof(BackwardSlab) + sizeof(Pack<T>) * static_cast<std::size_t>(3 * slab_groups * padded_states);
  }
  Pack<T>* rates(Index group) { return reinterpret_cast<Pack<T>*>(this + 1) + group * states; }
  Pack<T>* adjoint(Index group) { return rates(slab_groups + group); }
  Pack<T>* dA(Index group) { return rates(2 * slab_groups + group); }

  /// The adjoint starts as zero, or as the gradient of the final state, [B, E, N].
  static BackwardSlab& start(void* memory, const View<T>& in, const Place& place, const T* dfinal) {
    auto& s = *new (memory) BackwardSlab{round_up(in.states, chunk_states), {}, {}, {}};
    for (Index g = 0; g < place.groups; ++g) {
      const Index e = place.channel(in, g), width = place.width(in, g);
      gather_states(in.A + e * in.states, in.states, width, T(1.4426950408889634074), s.states, s.rates(g));
      s.reach[g] = reach_of<T>(s.rates(g), s.states);
      const T* from = dfinal ? dfinal + (place.sequence * in.channels + e) * in.states : nullptr;
      gather_states(from, in.states, width, T(1), s.states, s.adjoint(g));
      std::fill(s.dA(g), s.dA(g) + s.states, Pack<T>{});
    }
    return s;
  }

  /// Walks back over all tokens of `in`, which may be one part of a sequence; `kept` holds the states before its blocks.
  void advance(const View<T>& in, const Place& place, const T* dy, const T* kept, const BackwardTargets<T>& to) {
    thread_local Scratch memory;
    auto& local = *static_cast<BackwardScratch<T>*>(memory.reserve(BackwardScratch<T>::bytes(states)));
    auto* h = reinterpret_cast<Pack<T>*>(&local + 1);
    const Index chunks = states / chunk_states;
    Pack<T>*end = h + (block_steps + 1) * states, *decays = end + states, *dbc = decays + block_steps * states;
    T* const room = reinterpret_cast<T*>(dbc + block_steps * chunks);
    for (Index block = in.blocks() - 1; block >= 0; --block) {
      const Index begin = block * block_steps, count = std::min(block_steps, in.length - begin);
      const auto bc = BC<T>::of(in, place, begin, count, states, room);
      std::fill(dbc, dbc + count * chunks, Pack<T>{});
      for (Index g = 0; g < place.groups; ++g) {
        const T* from = kept + in.kept(place.sequence, block, place.first_channel / lanes + g);
        for (Index n = 0; n < states; ++n) h[n] = n < in.states ? simd::load(from + n * lanes) : Pack<T>{};
        const T bound = local.steps.template prepare<true>(in, place, g, begin, count, local.slope);
        const bool clamped = !(bound * reach[g] < -simd::Format<T>::smallest);
        std::copy(h, h + states, end);
        walk_states<true>(count, clamped, local.steps, rates(g), bc, states, end, h + states, decays,
                          Ahead<T>(in, place, g, begin, -block_steps, {in.u, in.delta, in.z, dy}));
        enter_gate(in, place, g, begin, count, dy, local, to.z);
        Ahead<T> results(in, place, g, begin, -block_steps, {to.u, to.delta, to.z, nullptr});
        for (Index n = 0; n < states; n += chunk_states, results.count = 0)
          walk_back<T>(count, local, rates(g) + n, bc.from_state(n), states, h + n, decays + n, adjoint(g) + n,
                       dA(g) + n, dbc + n / chunk_states, results);
        leave(in, place, g, begin, count, local, to, sum_skip[g], sum_bias[g]);
      }
      for (Index k = 0; k < count; ++k) {
        T* row = to.bc + (place.slab * in.batch * in.length + place.token(in, begin + k)) * 2 * in.states;
        for (Index n = 0; n < in.states; n += chunk_states) {
          const T* from = reinterpret_cast<const T*>(dbc + k * chunks + n / chunk_states);
          const Index width = std::min(chunk_states, in.states - n);
          std::copy(from, from + width, row + n);
          std::copy(from + chunk_states, from + chunk_states + width, row + in.states + n);
        }
      }
    }
  }

  /// Gradients of what does not run along the tokens.
  void finish(const View<T>& in, const Place& place, const BackwardTargets<T>& to) {
    for (Index g = 0; g < place.groups; ++g) {
      const Index width = place.width(in, g), channel = place.sequence * in.channels + place.channel(in, g);
      scatter_states(dA(g), in.states, width, to.A + channel * in.states);
      if (to.initial_state) scatter_states(adjoint(g), in.states, width, to.initial_state + channel * in.states);
      simd::store(to.D + channel, sum_skip[g], width);
      simd::store(to.delta_bias + channel, sum_bias[g], width);
    }
  }
};

template <class T>
void backward_item(Direction dir, const View<T>& in, Index item, const T* dy, const T* dfinal, const T* saved,
                   const BackwardTargets<T>& to) {
  thread_local Scratch memory;
  const Place place(dir, in, item);
  auto& slab = BackwardSlab<T>::start(memory.reserve(BackwardSlab<T>::bytes(round_up(in.states, chunk_states))), in,
                                      place, dfinal);
  slab.advance(in, place, dy, saved, to);
  slab.finish(in, place, to);
}

}  // namespace scan_cpu

template <Direction dir, class T>
void selective_scan_backward(Context<cpu>& context, const Tensor<T, cpu>& dy, const Tensor<T, cpu>& dfinal_state,
                             const ScanInput<T, cpu>& input, const ScanWeights<T, cpu>& weights,
                             const ScanSaved<T, cpu>& saved, ScanGradients<T, cpu>& gradients) {
  const auto in = scan_detail::view(input, weights);
  const Index count = gradients.bc.count();
  Tensor<T, cpu> dbc = in.slabs() == 1 ? gradients.bc : Tensor<T, cpu>({in.slabs(), count});
  Tensor<T, cpu> dA({in.batch, in.channels, in.states}), dD({in.batch, in.channels}), dbias(dD.shape());
  const scan_cpu::BackwardTargets<T> to{gradients.u.data(),
                                        gradients.delta.data(),
                                        gradients.z.data(),
                                        dbc.data(),
                                        gradients.initial_state.data(),
                                        dA.data(),
                                        dD.data(),
                                        dbias.data()};
  parallel_for(context.threads, in.batch * in.slabs(), [&](Index item) {
    scan_cpu::backward_item(dir, in, item, dy.data(), dfinal_state.data(), saved.states.data(), to);
  });
  if (in.slabs() > 1)
    for_each(context, count, generic::SumParts<T>{dbc.data(), in.slabs(), count, gradients.bc.data()});
  if (!gradients.A.empty()) generic::add_tiles(context, dA, gradients.A);
  if (!gradients.D.empty()) generic::add_tiles(context, dD, gradients.D);
  if (!gradients.delta_bias.empty()) generic::add_tiles(context, dbias, gradients.delta_bias);
}

}  // namespace ligase::inline LIGASE_ISA::device
