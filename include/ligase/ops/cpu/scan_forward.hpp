#pragma once

#include <ligase/core/context.hpp>
#include <ligase/ops/cpu/scan_block.hpp>

namespace ligase::inline LIGASE_ISA::device {
namespace scan_cpu {

/// y times silu(z) where there is a gate; added to what stands in y where `add`.
template <class T>
void finish(const View<T>& in, const Place& place, Index group, Index begin, Index count, const BlockSteps<T>& steps,
            bool add, T* y) {
  const Index width = place.width(in, group), e = place.channel(in, group);
  for (Index k = 0; k < count; ++k) {
    const Index i = place.token(in, begin + k) * in.channels + e;
    Pack<T> out = steps.y[k];
    if (in.z) out *= simd::silu(simd::load(in.z + i, width));
    if (add) out += simd::load(y + i, width);
    simd::store(y + i, out, width);
  }
}

/// A slab's decay rates and states, carried from block to block. Lies in memory of bytes(states).
template <class T>
struct ForwardSlab {
  Index states;          ///< padded
  T reach[slab_groups];  ///< largest |A log2 e| of a group

  static std::size_t bytes(Index padded_states) {
    return sizeof(Pack<T>) * static_cast<std::size_t>(1 + 2 * slab_groups * padded_states);
  }
  static_assert(sizeof(Index) + sizeof(T) * slab_groups <= sizeof(Pack<T>));
  Pack<T>* rates(Index group) { return reinterpret_cast<Pack<T>*>(this) + 1 + group * states; }
  Pack<T>* state(Index group) { return rates(slab_groups + group); }

  /// Initial states are zero, or those of the input.
  static ForwardSlab& start(void* memory, const View<T>& in, const Place& place) {
    auto& s = *new (memory) ForwardSlab{round_up(in.states, chunk_states), {}};
    for (Index g = 0; g < place.groups; ++g) {
      const Index e = place.channel(in, g), width = place.width(in, g);
      gather_states(in.A + e * in.states, in.states, width, T(1.4426950408889634074), s.states, s.rates(g));
      s.reach[g] = reach_of<T>(s.rates(g), s.states);
      const T* from = in.initial_state ? in.initial_state + (place.sequence * in.channels + e) * in.states : nullptr;
      gather_states(from, in.states, width, T(1), s.states, s.state(g));
    }
    return s;
  }

  /// Walks over all tokens of `in`, which may be one part of a sequence. `kept`, where given, receives the states before
  /// every block.
  void advance(const View<T>& in, const Place& place, bool add, T* y, T* kept) {
    thread_local Scratch memory;
    auto& steps = *static_cast<BlockSteps<T>*>(
        memory.reserve(sizeof(BlockSteps<T>) + sizeof(T) * static_cast<std::size_t>(2 * block_steps * states)));
    T* const room = reinterpret_cast<T*>(&steps + 1);
    for (Index begin = 0; begin < in.length; begin += block_steps) {
      const Index count = std::min(block_steps, in.length - begin);
      const auto bc = BC<T>::of(in, place, begin, count, states, room);
      for (Index g = 0; g < place.groups; ++g) {
        if (kept) {
          T* to = kept + in.kept(place.sequence, begin / block_steps, place.first_channel / lanes + g);
          for (Index n = 0; n < in.states; ++n) simd::store(to + n * lanes, state(g)[n]);
        }
        const T bound = steps.prepare(in, place, g, begin, count);
        const bool clamped = !(bound * reach[g] < -simd::Format<T>::smallest);
        walk_states<false>(count, clamped, steps, rates(g), bc, states, state(g), static_cast<Pack<T>*>(nullptr),
                           static_cast<Pack<T>*>(nullptr),
                           Ahead<T>(in, place, g, begin, block_steps, {in.u, in.delta, in.z, y}));
        finish(in, place, g, begin, count, steps, add, y);
      }
    }
  }
};

template <class T>
void forward_item(Direction dir, const View<T>& in, Index item, T* y, T* final_state, T* saved) {
  thread_local Scratch memory;
  const Place place(dir, in, item);
  auto& slab =
      ForwardSlab<T>::start(memory.reserve(ForwardSlab<T>::bytes(round_up(in.states, chunk_states))), in, place);
  slab.advance(in, place, false, y, saved);
  for (Index g = 0; g < place.groups; ++g)
    scatter_states(slab.state(g), in.states, place.width(in, g),
                   final_state + (place.sequence * in.channels + place.channel(in, g)) * in.states);
}

}  // namespace scan_cpu

template <Direction dir, class T>
void selective_scan_forward(Context<cpu>& context, const ScanInput<T, cpu>& input, const ScanWeights<T, cpu>& weights,
                            Tensor<T, cpu>& y, Tensor<T, cpu>& final_state, ScanSaved<T, cpu>& saved) {
  const auto in = scan_detail::view(input, weights);
  parallel_for(context.threads, in.batch * in.slabs(), [&](Index item) {
    scan_cpu::forward_item(dir, in, item, y.data(), final_state.data(), saved.states.data());
  });
}

}  // namespace ligase::inline LIGASE_ISA::device
