#pragma once

#include <ligase/ops/cpu/mixer_forward.hpp>
#include <ligase/ops/cpu/scan_backward.hpp>

#include <iterator>
#include <vector>

namespace ligase::inline LIGASE_ISA::device {
namespace mixer_cpu {

/// Weight gradients of one direction, one part per sequence, added up in the order of sequences at the end.
template <class T>
struct GradientParts {
  Tensor<T, cpu> conv, conv_bias, x_proj, dt_proj, A, D, delta_bias;

  GradientParts(const Core<T>& core, Index batch)
      : conv(Tensor<T, cpu>::zeros({batch, core.taps, core.channels})),
        conv_bias(Tensor<T, cpu>::zeros({batch, core.channels})),
        x_proj(Tensor<T, cpu>::zeros({batch, core.width(), core.channels})),
        dt_proj(Tensor<T, cpu>::zeros({batch, core.channels, core.rank})),
        A({batch, core.channels, core.states}),
        D({batch, core.channels}),
        delta_bias({batch, core.channels}) {}

  void add_to(Context<cpu>& context, MixerCore<T, cpu>& sum) {
    const auto add = [&](const Tensor<T, cpu>& parts, Tensor<T, cpu>& to) {
      if (!to.empty()) generic::add_tiles(context, parts, to);
    };
    add(conv_bias, sum.conv_bias);
    add(x_proj, sum.x_proj);
    add(dt_proj, sum.dt_proj);
    add(A, sum.scan.A);
    add(D, sum.scan.D);
    add(delta_bias, sum.scan.delta_bias);
    if (sum.conv.empty()) return;
    const Index taps = conv.size(1), channels = conv.size(2);
    Tensor<T, cpu> total = Tensor<T, cpu>::zeros({taps, channels});
    generic::add_tiles(context, conv, total);
    for (Index i = 0; i < channels; ++i)
      for (Index j = 0; j < taps; ++j) sum.conv.data()[i * taps + j] += total.data()[j * channels + i];
  }
};

/// The same weights packed for products with gradients.
template <class T>
struct CoreTransposed {
  PackedWeight<T> x_proj, dt_proj;
  CoreTransposed(const Core<T>& core, const MixerCore<T, cpu>& w)
      : x_proj(PackedWeight<T>::template pack<false>(w.x_proj.data(), core.width(), core.channels)),
        dt_proj(PackedWeight<T>::template pack<false>(w.dt_proj.data(), core.channels, core.rank)) {}
};

/// Gradients inside a chunk. `before` has K - 1 more rows on the side where the walk came from: those of the chunk before.
template <class T>
struct ChunkGradients {
  T *u, *delta, *dbc, *slab_bc, *before, *carry;
  Index carried = 0;

  static Index numbers(const Core<T>& core, Index tokens) {
    return tokens * (2 * core.channels + core.width() + core.scan.slabs() * 2 * core.states) +
           (tokens + 2 * (core.taps - 1)) * core.channels;
  }
  ChunkGradients(Direction dir, const Core<T>& core, Index tokens, T* memory)
      : u(memory),
        delta(u + tokens * core.channels),
        dbc(delta + tokens * core.channels),
        slab_bc(dbc + tokens * core.width()),
        before(slab_bc + tokens * core.scan.slabs() * 2 * core.states),
        carry(before + (tokens + core.taps - 1) * core.channels) {
    if (dir == Direction::reverse) before += (core.taps - 1) * core.channels;
  }

  /// Through the projections and silu, from u, delta and slab_bc to `before` and dbc.
  void leave_projections(Direction dir, const Core<T>& core, const CoreTransposed<T>& transposed, const Projected<T>& p,
                         const Chunk& chunk, Index tile) const {
    thread_local Scratch memory;
    const auto [row, count] = TileRows::of(dir, chunk, tile);
    const Index e = core.channels, width = core.width(), n2 = 2 * core.states;
    for (Index k = row; k < row + count; ++k)
      for (Index j = 0; j < n2; ++j) {
        T sum = slab_bc[k * n2 + j];
        for (Index s = 1; s < core.scan.slabs(); ++s) sum += slab_bc[(s * chunk.count + k) * n2 + j];
        dbc[k * width + core.rank + j] = sum;
      }
    multiply_tile(transposed.dt_proj, count, delta + row * e, e, dbc + row * width, width);
    T* by_x_proj = memory.reserve_for<T>(block_steps * e);
    multiply_tile(transposed.x_proj, count, dbc + row * width, width, by_x_proj, e);
    const Pack<T> one = simd::broadcast(T(1));
    for (Index i = 0; i < count * e; i += lanes) {
      const Index n = std::min(lanes, count * e - i), at = row * e + i;
      const Pack<T> x = simd::load(p.before + at, n), sigmoid = simd::sigmoid(x);
      const Pack<T> du = simd::load(u + at, n) + simd::load(by_x_proj + i, n);
      simd::store(before + at, du * (sigmoid * (one + x * (one - sigmoid))), n);
    }
  }

  /// Gradients of the weights by the channels of a slab.
  void add_weights(Direction dir, const Core<T>& core, const Projected<T>& p, const Chunk& chunk, Index slab, Rows<const T> x,
                   const GradientParts<T>& to, Index sequence) const {
    thread_local Scratch memory;
    const Index e = core.channels, width = core.width(), taps = core.taps;
    const Index first = slab * scan_detail::slab_channels, channels = std::min(scan_detail::slab_channels, e - first);
    const auto part = [=](const Tensor<T, cpu>& parts) {
      return const_cast<T*>(parts.data()) + sequence * (parts.count() / parts.size(0));
    };
    T *conv = memory.reserve_for<T>((taps + 1) * channels), *conv_bias = conv + taps * channels;
    for (Index tile = chunk.tiles() - 1; tile >= 0; --tile) {
      const auto [row, count] = TileRows::of(dir, chunk, tile);
      gemm_detail::add_outer_tile(count, channels, core.rank, delta + row * e + first, e, p.dbc + row * width, width,
                                  part(to.dt_proj) + first * core.rank, core.rank);
      gemm_detail::add_outer_tile(count, width, channels, dbc + row * width, width, p.u + row * e + first, e,
                                  part(to.x_proj) + first, e);
      const auto run = taps == 4 ? conv1d_cpu::weight_tile<4, T> : conv1d_cpu::weight_tile<conv1d_cpu::any_taps, T>;
      run(dir, {chunk.first + row, chunk.first + row + count, chunk.length}, channels, taps, {before + row * e + first, e},
          {x.data + first, x.stride}, conv, conv_bias);
      for (Index j = 0; j <= taps; ++j) {
        T* sum = j < taps ? part(to.conv) + j * e + first : part(to.conv_bias) + first;
        for (Index i = 0; i < channels; ++i) sum[i] += conv[j * channels + i];
      }
    }
  }

  /// Puts the rows of the chunk before beside `before`; true taps of the transposed convolution then find them.
  void place_carry(Direction dir, const Core<T>& core, const Chunk& chunk) const {
    const Index e = core.channels;
    std::copy(carry, carry + carried * e, dir == Direction::forward ? before + chunk.count * e : before - carried * e);
  }
  void keep_carry(Direction dir, const Core<T>& core, const Chunk& chunk) {
    const Index e = core.channels, rows = chunk.count + carried, next = std::min(core.taps - 1, rows);
    const T* from = dir == Direction::forward ? before : before + (chunk.count - next) * e;
    std::copy(from, from + next * e, carry);
    carried = next;
  }

  /// dx of a tile.
  void leave_conv(Direction dir, const Core<T>& core, const Chunk& chunk, Index tile, bool add, T* dx) const {
    thread_local Scratch memory;
    const auto [row, count] = TileRows::of(dir, chunk, tile);
    const Index e = core.channels, shift = dir == Direction::forward ? 0 : carried;
    T* result = add ? memory.reserve_for<T>(block_steps * e) : dx + row * e;
    conv1d_cpu::filter_tile<T>(opposite(dir), {shift + row, shift + row + count, chunk.count + carried}, e, core.taps,
                                              {before - shift * e, e}, core.conv.data(), nullptr, {result, e});
    if (!add) return;
    for (Index i = 0; i < count * e; ++i) dx[row * e + i] += result[i];
  }
};

/// dx [L, E] of one sequence in one direction, added where `add`, and the sequence's part of the weight gradients.
template <class T>
void backward_sequence(Direction dir, const Teams& teams, const Core<T>& core, const CoreTransposed<T>& transposed, Rows<const T> x,
                       Index length, const T* dy, const T* kept, bool add, T* dx, GradientParts<T>& parts,
                       Index sequence) {
  thread_local Scratch chunk_memory, gradient_memory, slab_memory;
  const Index size = std::min(teams.chunk(), length), e = core.channels, slabs = core.scan.slabs();
  const Projected<T> p(core, size, true, chunk_memory.reserve_for<T>(Projected<T>::numbers(core, size, true)));
  ChunkGradients<T> d(dir, core, size, gradient_memory.reserve_for<T>(ChunkGradients<T>::numbers(core, size)));
  using Slab = scan_cpu::BackwardSlab<T>;
  const std::size_t slab_bytes = Slab::bytes(round_up(core.states, scan_cpu::chunk_states));
  auto* memory = static_cast<std::byte*>(slab_memory.reserve(slab_bytes * static_cast<std::size_t>(slabs)));
  const auto slab_at = [=](Index i) { return memory + slab_bytes * static_cast<std::size_t>(i); };
  const auto slab = [=](Index i) { return std::launder(reinterpret_cast<Slab*>(slab_at(i))); };
  for (Index i = 0; i < slabs; ++i)
    Slab::start(slab_at(i), core.scan, scan_cpu::Place(dir, core.scan, i), static_cast<const T*>(nullptr));
  const scan_cpu::BackwardTargets<T> to{d.u,     d.delta,
                                        nullptr, d.slab_bc,
                                        nullptr, parts.A.data() + sequence * e * core.states,
                                        parts.D.data() + sequence * e, parts.delta_bias.data() + sequence * e};

  for (Index begin = (length - 1) / size * size; begin >= 0; begin -= size) {
    const auto chunk = Chunk::at(dir, begin, size, length);
    parallel_for(teams.inside, chunk.tiles(), [&](Index tile) { p.project(dir, core, chunk, tile, x); });
    const auto view = p.scan(core, chunk);
    parallel_for(teams.inside, slabs, [&](Index i) {
      slab(i)->advance(view, scan_cpu::Place(dir, view, i), dy + chunk.first * e, kept + begin / block_steps * core.kept(),
                       to);
    });
    parallel_for(teams.inside, chunk.tiles(),
                 [&](Index tile) { d.leave_projections(dir, core, transposed, p, chunk, tile); });
    d.place_carry(dir, core, chunk);
    parallel_for(teams.inside, slabs,
                 [&](Index i) { d.add_weights(dir, core, p, chunk, i, x, parts, sequence); });
    parallel_for(teams.inside, chunk.tiles(),
                 [&](Index tile) { d.leave_conv(dir, core, chunk, tile, add, dx + chunk.first * e); });
    d.keep_carry(dir, core, chunk);
  }
  for (Index i = 0; i < slabs; ++i) slab(i)->finish(core.scan, scan_cpu::Place(dir, core.scan, i), to);
}

template <class T>
void backward_direction(Context<cpu>& context, Direction dir, const MixerCore<T, cpu>& weights, const Tensor<T, cpu>& xz,
                        const Tensor<T, cpu>& dy, const Tensor<T, cpu>& kept, bool add, Tensor<T, cpu>& dx,
                        MixerCore<T, cpu>& gradients) {
  const Core<T> core(weights);
  const CoreTransposed<T> transposed(core, weights);
  const Index e = core.channels;
  const std::vector<Sequence> sequences = Sequence::of(context, dy.size(0), dy.size(1));
  const Teams teams(context.threads, std::ssize(sequences));
  GradientParts<T> parts(core, std::ssize(sequences));
  parallel_for(teams.across, std::ssize(sequences), [&](Index i) {
    const auto [row, length, block] = sequences[static_cast<std::size_t>(i)];
    backward_sequence<T>(dir, teams, core, transposed, {xz.data() + row * 2 * e, 2 * e}, length, dy.data() + row * e,
                         kept.data() + block * core.kept(), add, dx.data() + row * e, parts, i);
  });
  parts.add_to(context, gradients);
}

}  // namespace mixer_cpu

/// Uses up `s`: y becomes the gradient before the gate, xz that of xz. `gated` [B, L, E] is work space; `dh` gets its memory
/// when the rest has been given back.
template <class T>
void fused_mixer_backward(Context<cpu>& context, const Tensor<T, cpu>& dout, const MixerWeights<T, cpu>& w,
                          MixerSaved<T, cpu>& s, Tensor<T, cpu>& gated, Tensor<T, cpu>& dh, MixerWeights<T, cpu>& g) {
  using namespace mixer_cpu;
  const Index e = s.y.size(2), d = dout.size(2);
  const auto weight = PackedWeight<T>::template pack<false>(w.out.data(), d, e);
  for_tiles(context, dout.size(0), dout.size(1), [&](Index row, Index count) {
    thread_local Scratch memory;
    T* by_gated = memory.reserve_for<T>(block_steps * e);
    multiply_tile(weight, count, dout.data() + row * d, d, by_gated, e);
    const Pack<T> one = simd::broadcast(T(1));
    for (Index k = 0; k < count; ++k) {
      T *y_row = s.y.data() + (row + k) * e, *z_row = s.xz.data() + (row + k) * 2 * e + e;
      for (Index i = 0; i < e; i += lanes) {
        const Index n = std::min(lanes, e - i);
        const Pack<T> y = simd::load(y_row + i, n), z = simd::load(z_row + i, n), g_out = simd::load(by_gated + k * e + i, n);
        const Pack<T> sigmoid = simd::sigmoid(z), silu = z * sigmoid;
        simd::store(gated.data() + (row + k) * e + i, y * silu, n);
        simd::store(z_row + i, g_out * y * (sigmoid * (one + z * (one - sigmoid))), n);
        simd::store(y_row + i, g_out * silu, n);
      }
    }
  });
  if (!g.out.empty()) gemm_tn_add(context, dout, gated, g.out);
  if (!g.out_bias.empty()) generic::sum_rows_add(context, dout, g.out_bias);

  Tensor<T, cpu>& dx = gated;
  const bool forward = !w.core[0].conv.empty(), reverse = !w.core[1].conv.empty();
  if (forward) backward_direction(context, Direction::forward, w.core[0], s.xz, s.y, s.states[0], false, dx, g.core[0]);
  if (reverse) backward_direction(context, Direction::reverse, w.core[1], s.xz, s.y, s.states[1], forward, dx, g.core[1]);
  for_tiles(context, dout.size(0), dout.size(1), [&](Index row, Index count) {
    for (Index k = row; k < row + count; ++k)
      std::copy(dx.data() + k * e, dx.data() + (k + 1) * e, s.xz.data() + k * 2 * e);
  });
  dh = Tensor<T, cpu>(s.h.shape());
  generic::linear_backward(context, s.xz, s.h, w.in, dh, g.in, g.in_bias);
}

}  // namespace ligase::inline LIGASE_ISA::device
