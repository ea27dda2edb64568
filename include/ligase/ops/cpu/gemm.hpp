#pragma once

#include <ligase/core/context.hpp>
#include <ligase/ops/cpu/gemm_tile.hpp>

/// Matrix products as loops over fixed tiles, each one single-threaded call of Eigen's kernel. A tile holds 64 rows of one
/// sequence and all outputs; so a row's bits depend neither on its place, nor on its neighbours, nor on threads.
namespace ligase::inline LIGASE_ISA::device {
namespace gemm_detail {

/// C = A W, rows of A in sequences of `group`.
template <class T>
void multiply_tiles(Context<cpu>& context, Index group, const T* a, Index m, const PackedWeight<T>& w, T* c) {
  const Index tiles_per_group = (group + tile_rows - 1) / tile_rows, groups = group == 0 ? 0 : m / group;
  parallel_for(context.threads, groups * tiles_per_group, [&](Index tile) {
    const Index begin = tile % tiles_per_group * tile_rows, first = tile / tiles_per_group * group + begin;
    multiply_tile(w, std::min(tile_rows, group - begin), a + first * w.depth, w.depth, c + first * w.outputs, w.outputs);
  });
}

}  // namespace gemm_detail

template <class T>
void gemm_nt(Context<cpu>& context, Index group, const Tensor<T, cpu>& a, const Tensor<T, cpu>& b, Tensor<T, cpu>& c) {
  if (a.count() == 0) return;
  const auto w = gemm_detail::PackedWeight<T>::template pack<true>(b.data(), b.size(1), b.size(0));
  gemm_detail::multiply_tiles(context, group, a.data(), a.count() / b.size(1), w, c.data());
}

template <class T>
void gemm_nn(Context<cpu>& context, Index group, const Tensor<T, cpu>& a, const Tensor<T, cpu>& b, Tensor<T, cpu>& c) {
  if (a.count() == 0) return;
  const auto w = gemm_detail::PackedWeight<T>::template pack<false>(b.data(), b.size(0), b.size(1));
  gemm_detail::multiply_tiles(context, group, a.data(), a.count() / b.size(0), w, c.data());
}

template <class T>
void gemm_tn_add(Context<cpu>& context, const Tensor<T, cpu>& a, const Tensor<T, cpu>& b, Tensor<T, cpu>& c) {
  const Index n = c.size(0), k = c.size(1), m = a.count() / n;
  constexpr Index block_n = 96, block_k = 384, depth = 256;
  const Index blocks_k = (k + block_k - 1) / block_k;
  parallel_for(context.threads, (n + block_n - 1) / block_n * blocks_k, [&](Index block) {
    const Index n0 = block / blocks_k * block_n, k0 = block % blocks_k * block_k;
    const Index nn = std::min(block_n, n - n0), kk = std::min(block_k, k - k0);
    T* to = c.data() + n0 * k + k0;
    for (Index row = 0; row < m; row += depth)
      gemm_detail::add_outer_tile(std::min(depth, m - row), nn, kk, a.data() + row * n + n0, n, b.data() + row * k + k0, k,
                                  to, k);
  });
}

}  // namespace ligase::inline LIGASE_ISA::device
