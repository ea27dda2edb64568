#pragma once

#include <ligase/core/context.hpp>
#include <ligase/ops/cpu/scan_block.hpp>

namespace ligase::inline LIGASE_ISA::device {
namespace scan_cpu {

inline constexpr Index forward_chunk = 8;

/// y times silu(z) where there is a gate.
template <Direction dir, class T>
void finish(const View<T>& in, const Place<dir>& place, Index group, Index begin, Index count,
            const BlockSteps<T>& steps, T* y) {
  const Index width = place.width(in, group), e = place.channel(in, group);
  for (Index k = 0; k < count; ++k) {
    const Index i = place.token(in, begin + k) * in.channels + e;
    Pack<T> out = steps.y[k];
    if (in.z) {
      const Pack<T> z = simd::load(in.z + i, width);
      out *= z * simd::sigmoid(z);
    }
    simd::store(y + i, out, width);
  }
}

template <class T>
struct ForwardScratch {
  BlockSteps<T> steps;
  T reach[slab_groups];  ///< largest |A log2 e| of a group

  static Index packs(Index padded_states) { return 2 * slab_groups * padded_states; }
  static Index bytes(Index padded_states) {
    return static_cast<Index>(sizeof(ForwardScratch) +
                              sizeof(Pack<T>) * static_cast<std::size_t>(packs(padded_states)) +
                              sizeof(T) * static_cast<std::size_t>(2 * block_steps * padded_states));
  }
};

template <Direction dir, class T>
void forward_item(const View<T>& in, Index item, T* y, T* final_state, T* saved) {
  constexpr T log2e = T(1.4426950408889634074);
  thread_local Scratch scratch;
  const Place<dir> place(in, item);
  const Index states = padded(in.states, forward_chunk);
  auto* local =
      static_cast<ForwardScratch<T>*>(scratch.reserve(static_cast<std::size_t>(ForwardScratch<T>::bytes(states))));
  auto* a = reinterpret_cast<Pack<T>*>(local + 1);
  Pack<T>* h = a + slab_groups * states;
  T* bc = reinterpret_cast<T*>(h + slab_groups * states);

  for (Index g = 0; g < place.groups; ++g) {
    const Index e = place.channel(in, g), width = place.width(in, g);
    gather_states(in.A + e * in.states, in.states, width, log2e, states, a + g * states);
    local->reach[g] = reach_of<T>(a + g * states, states);
    const T* start = in.initial_state ? in.initial_state + (place.sequence * in.channels + e) * in.states : nullptr;
    gather_states(start, in.states, width, T(1), states, h + g * states);
  }
  for (Index begin = 0; begin < in.length; begin += block_steps) {
    const Index count = std::min(block_steps, in.length - begin);
    gather_bc(in, place, begin, count, states, bc);
    for (Index g = 0; g < place.groups; ++g) {
      if (saved) {
        T* kept = saved + in.kept(place.sequence, begin / block_steps, place.first_channel / lanes + g);
        for (Index n = 0; n < in.states; ++n) simd::store(kept + n * lanes, h[g * states + n]);
      }
      const Pack<T> steps = local->steps.prepare(in, place, g, begin, count);
      const bool clamped = !(largest<T>(steps) * local->reach[g] < -simd::Format<T>::smallest);
      walk_states<forward_chunk, false>(count, clamped, local->steps, a + g * states, bc, states, h + g * states,
                                        static_cast<Pack<T>*>(nullptr), static_cast<Pack<T>*>(nullptr),
                                        Ahead<T>(in, place, g, begin, block_steps, {in.u, in.delta, in.z, y}));
      finish(in, place, g, begin, count, local->steps, y);
    }
  }
  for (Index g = 0; g < place.groups; ++g)
    scatter_states(h + g * states, in.states, place.width(in, g),
                   final_state + (place.sequence * in.channels + place.channel(in, g)) * in.states);
}

}  // namespace scan_cpu

template <Direction dir, class T>
void selective_scan_forward(Context<cpu>& context, const ScanInput<T, cpu>& input, const ScanWeights<T, cpu>& weights,
                            Tensor<T, cpu>& y, Tensor<T, cpu>& final_state, ScanSaved<T, cpu>& saved) {
  const auto in = scan_detail::view(input, weights);
  parallel_for(context.threads, in.batch * in.slabs(), [&](Index item) {
    scan_cpu::forward_item<dir>(in, item, y.data(), final_state.data(), saved.states.data());
  });
}

}  // namespace ligase::inline LIGASE_ISA::device
