#pragma once

#include <ligase/ops/cpu/gemm.hpp>
#include <ligase/ops/cpu/mixer_block.hpp>
#include <ligase/ops/cpu/scan_forward.hpp>
#include <ligase/ops/generic/linear.hpp>

#include <iterator>
#include <vector>

namespace ligase::inline LIGASE_ISA::device {
namespace mixer_cpu {

/// States of a sequence's slabs, carried from chunk to chunk; memory of the thread.
template <class T>
class SlabStates {
 public:
  void start(Direction dir, const scan_detail::View<T>& scan) {
    thread_local Scratch memory;
    bytes_ = Slab::bytes(round_up(scan.states, scan_cpu::chunk_states));
    memory_ = static_cast<std::byte*>(memory.reserve(bytes_ * static_cast<std::size_t>(scan.slabs())));
    for (Index i = 0; i < scan.slabs(); ++i) Slab::start(at(i), scan, scan_cpu::Place(dir, scan, i));
  }
  /// Scans a chunk: y, added where `add`, and the states before its blocks, or null.
  void advance(int threads, Direction dir, const scan_detail::View<T>& chunk, bool add, T* y, T* kept) const {
    parallel_for(threads, chunk.slabs(), [&](Index i) {
      std::launder(reinterpret_cast<Slab*>(at(i)))->advance(chunk, scan_cpu::Place(dir, chunk, i), add, y, kept);
    });
  }

 private:
  using Slab = scan_cpu::ForwardSlab<T>;
  std::byte* at(Index i) const { return memory_ + bytes_ * static_cast<std::size_t>(i); }

  std::size_t bytes_ = 0;
  std::byte* memory_ = nullptr;
};

/// y [L, E] of one sequence in one direction, added where `add`. `kept`: states before every block, or null.
template <class T>
void forward_sequence(Direction dir, const Teams& teams, const Core<T>& core, Rows<const T> x, Index length, bool add, T* y, T* kept) {
  thread_local Scratch memory;
  const Index size = std::min(teams.chunk(), length), e = core.channels;
  const Projected<T> p(core, size, false, memory.reserve_for<T>(Projected<T>::numbers(core, size, false)));
  SlabStates<T> states;
  states.start(dir, core.scan);
  for (Index begin = 0; begin < length; begin += size) {
    const auto chunk = Chunk::at(dir, begin, size, length);
    parallel_for(teams.inside, chunk.tiles(), [&](Index tile) { p.project(dir, core, chunk, tile, x); });
    states.advance(teams.inside, dir, p.scan(core, chunk), add, y + chunk.first * e,
                   kept ? kept + begin / block_steps * core.kept() : nullptr);
  }
}

template <class T>
void forward_direction(Context<cpu>& context, Direction dir, const MixerCore<T, cpu>& weights, const Tensor<T, cpu>& xz, bool add,
                       Tensor<T, cpu>& y, Tensor<T, cpu>& kept) {
  const Core<T> core(weights);
  const Index e = core.channels;
  const std::vector<Sequence> sequences = Sequence::of(context, y.size(0), y.size(1));
  const Teams teams(context.threads, std::ssize(sequences));
  parallel_for(teams.across, std::ssize(sequences), [&](Index i) {
    const auto [row, length, block] = sequences[static_cast<std::size_t>(i)];
    forward_sequence<T>(dir, teams, core, {xz.data() + row * 2 * e, 2 * e}, length, add, y.data() + row * e,
                        kept.empty() ? nullptr : kept.data() + block * core.kept());
  });
}

/// f(row, count) for the tiles of rows of B sequences of L.
template <class F>
void for_tiles(Context<cpu>& context, Index batch, Index length, F&& f) {
  const Index tiles = (length + block_steps - 1) / block_steps;
  parallel_for(context.threads, batch * tiles, [&](Index i) {
    const Index begin = i % tiles * block_steps;
    f(i / tiles * length + begin, std::min(block_steps, length - begin));
  });
}

/// gated [count, E] = y silu(z)
template <class T>
void gate_rows(Rows<const T> y, Rows<const T> z, Index count, Index channels, T* gated) {
  for (Index k = 0; k < count; ++k)
    for (Index i = 0; i < channels; i += lanes) {
      const Index n = std::min(lanes, channels - i);
      const Pack<T> v = simd::load(z.data + k * z.stride + i, n);
      simd::store(gated + k * channels + i, simd::load(y.data + k * y.stride + i, n) * (v * simd::sigmoid(v)), n);
    }
}

}  // namespace mixer_cpu

/// h -> xz, y and out; states of each direction where they are not empty.
template <class T>
void fused_mixer_forward(Context<cpu>& context, const Tensor<T, cpu>& h, const MixerWeights<T, cpu>& w,
                         MixerSaved<T, cpu>& s, Tensor<T, cpu>& out) {
  using namespace mixer_cpu;
  generic::linear_forward(context, h, w.in, w.in_bias, s.xz);
  const bool forward = !w.core[0].conv.empty(), reverse = !w.core[1].conv.empty();
  if (forward) forward_direction(context, Direction::forward, w.core[0], s.xz, false, s.y, s.states[0]);
  if (reverse) forward_direction(context, Direction::reverse, w.core[1], s.xz, forward, s.y, s.states[1]);

  const Index e = s.y.size(2), d = out.size(2);
  const auto weight = PackedWeight<T>::template pack<true>(w.out.data(), e, d);
  for_tiles(context, h.size(0), h.size(1), [&](Index row, Index count) {
    thread_local Scratch memory;
    T* gated = memory.reserve_for<T>(block_steps * e);
    gate_rows<T>({s.y.data() + row * e, e}, {s.xz.data() + row * 2 * e + e, 2 * e}, count, e, gated);
    multiply_tile(weight, count, gated, e, out.data() + row * d, d);
  });
  if (!w.out_bias.empty()) for_rows(context, out.count() / d, generic::AddBias<T>{w.out_bias.data(), d, out.data()});
}

}  // namespace ligase::inline LIGASE_ISA::device
