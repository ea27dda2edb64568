#pragma once

#include <ligase/core/context.hpp>
#include <ligase/ops/cpu/conv1d.hpp>
#include <ligase/ops/cpu/gemm_tile.hpp>
#include <ligase/ops/cpu/scan_block.hpp>
#include <ligase/ops/mixer_types.hpp>

#include <vector>

/// A sequence of the mixer is walked in chunks: convolution and projections of a chunk's tiles, then its scan, so that nothing
/// between in_proj and scan leaves the caches. With as many sequences as threads a chunk is one tile and a thread takes a
/// sequence; with fewer, a chunk has tiles and slabs of channels enough for all threads. Sizes of chunks change no bits.
namespace ligase::inline LIGASE_ISA::device::mixer_cpu {

using conv1d_cpu::Rows;
using gemm_detail::multiply_tile;
using gemm_detail::PackedWeight;
using scan_cpu::block_steps;
using simd::lanes;
using simd::Pack;

static_assert(block_steps == gemm_detail::tile_rows);

/// Where a sequence lies: its first row in [B, L] and its first block of kept states.
struct Sequence {
  Index row, length, block;

  /// All of a batch of B rows, or of packed ones.
  static std::vector<Sequence> of(const Context<cpu>& context, Index batch, Index length) {
    std::vector<Sequence> all;
    Index block = 0;
    const auto add = [&](Index first, Index tokens) {
      all.push_back({first, tokens, block});
      block += (tokens + block_steps - 1) / block_steps;
    };
    if (!context.offsets) {
      for (Index b = 0; b < batch; ++b) add(b * length, length);
      return all;
    }
    const std::vector<Index>& offsets = *context.offsets;
    for (std::size_t i = 1; i < offsets.size(); ++i) add(offsets[i - 1], offsets[i] - offsets[i - 1]);
    if (batch == 2)
      for (std::size_t i = 1; i < offsets.size(); ++i) add(2 * length - offsets[i], offsets[i] - offsets[i - 1]);
    return all;
  }
};

/// Threads for the loop over sequences and for the loops inside one.
struct Teams {
  int across, inside;
  Teams(int threads, Index sequences) : across(sequences >= threads ? threads : 1), inside(sequences >= threads ? 1 : threads) {}
  Index chunk() const { return inside == 1 ? block_steps : 8 * inside * block_steps; }
};

/// Weights of one direction, ready for tiles.
template <class T>
struct Core {
  Index channels, taps, rank, states;
  Tensor<T, cpu> conv;  ///< [K, E]
  const T* conv_bias;
  PackedWeight<T> x_proj, dt_proj;
  scan_detail::View<T> scan;  ///< sizes and weights; the chunk's pointers are filled in

  Core(const MixerCore<T, cpu>& w)
      : channels(w.dt_proj.size(0)),
        taps(w.conv.size(2)),
        rank(w.dt_proj.size(1)),
        states(w.scan.A.size(1)),
        conv(conv1d_cpu::transposed_weight(w.conv)),
        conv_bias(w.conv_bias.data()),
        x_proj(PackedWeight<T>::template pack<true>(w.x_proj.data(), channels, rank + 2 * states)),
        dt_proj(PackedWeight<T>::template pack<true>(w.dt_proj.data(), rank, channels)),
        scan{nullptr,       nullptr,         nullptr, nullptr, nullptr, w.scan.A.data(), w.scan.D.data(), w.scan.delta_bias.data(),
             w.scan.softplus, 1, 0, channels, states} {}

  Index width() const { return rank + 2 * states; }
  Index groups() const { return scan.groups(); }
  /// Numbers of kept states per block.
  Index kept() const { return groups() * states * lanes; }
};

/// Steps begin .. begin + count - 1 of a walk and where they lie: token `first` is the chunk's row 0.
struct Chunk {
  Index begin, count, first, length;

  static Chunk at(Direction dir, Index begin, Index size, Index length) {
    const Index count = std::min(size, length - begin);
    return {begin, count, dir == Direction::forward ? begin : length - begin - count, length};
  }
  Index tiles() const { return (count + block_steps - 1) / block_steps; }
};

/// Rows of a chunk's tile; tiles are numbered in the order of the walk.
struct TileRows {
  Index begin, count;

  static TileRows of(Direction dir, const Chunk& chunk, Index tile) {
    const Index begin = tile * block_steps, count = std::min(block_steps, chunk.count - begin);
    return {dir == Direction::forward ? begin : chunk.count - begin - count, count};
  }
};

/// What a chunk's tokens need before the scan: convolution before silu (kept only for the backward pass), u, dt | B | C,
/// delta, and B | C alone.
template <class T>
struct Projected {
  T *before, *u, *dbc, *delta, *bc;

  static Index numbers(const Core<T>& core, Index tokens, bool backward) {
    return tokens * ((backward ? 3 : 2) * core.channels + core.width() + 2 * core.states);
  }
  Projected(const Core<T>& core, Index tokens, bool backward, T* memory)
      : before(memory),
        u(memory + (backward ? tokens * core.channels : 0)),
        dbc(u + tokens * core.channels),
        delta(dbc + tokens * core.width()),
        bc(delta + tokens * core.channels) {}

  /// x: rows of the whole sequence.
  void project(Direction dir, const Core<T>& core, const Chunk& chunk, Index tile, Rows<const T> x) const {
    const auto [row, count] = TileRows::of(dir, chunk, tile);
    const Index e = core.channels, width = core.width();
    conv1d_cpu::filter_tile<T>(dir, {chunk.first + row, chunk.first + row + count, chunk.length}, e, core.taps, x,
                                    core.conv.data(), core.conv_bias, {before + row * e, e});
    for (Index i = row * e, end = (row + count) * e; i < end; i += lanes) {
      const Index n = std::min(lanes, end - i);
      const Pack<T> v = simd::load(before + i, n);
      simd::store(u + i, v * simd::sigmoid(v), n);
    }
    multiply_tile(core.x_proj, count, u + row * e, e, dbc + row * width, width);
    multiply_tile(core.dt_proj, count, dbc + row * width, width, delta + row * e, e);
    for (Index k = row; k < row + count; ++k)
      std::copy(dbc + k * width + core.rank, dbc + (k + 1) * width, bc + k * 2 * core.states);
  }

  /// The chunk as a scan of its own.
  scan_detail::View<T> scan(const Core<T>& core, const Chunk& chunk) const {
    scan_detail::View<T> view = core.scan;
    view.u = u;
    view.delta = delta;
    view.bc = bc;
    view.length = chunk.count;
    return view;
  }
};

}  // namespace ligase::inline LIGASE_ISA::device::mixer_cpu
