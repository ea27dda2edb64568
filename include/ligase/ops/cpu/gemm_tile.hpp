#pragma once

#include <ligase/ops/cpu/scratch.hpp>

#ifdef LIGASE_WITH_OPENBLAS
#include <ligase/ops/cpu/gemm_openblas.hpp>
#else
#include <ligase/ops/cpu/gemm_eigen.hpp>
#endif

#include <algorithm>

/// Products of fixed tiles. The inner kernel is Eigen's, or OpenBLAS's where LIGASE_WITH_OPENBLAS is defined; all files of a
/// program must agree on that.
namespace ligase::inline LIGASE_ISA::device::gemm_detail {

/// Rows of every product with a packed weight.
inline constexpr Index tile_rows = 64;

/// C = A W for a tile of `rows` <= 64 rows; A: [rows, depth], C: [rows, outputs], rows `a_stride` and `c_stride` apart. Always
/// computes 64 rows, zeros where there are fewer, so that a row's bits do not depend on the others.
template <class T>
void multiply_tile(const PackedWeight<T>& w, Index rows, const T* a, Index a_stride, T* c, Index c_stride) {
  thread_local Scratch in_memory, out_memory;
  if (rows < tile_rows) {
    T* in = in_memory.reserve_for<T>(tile_rows * w.depth);
    for (Index i = 0; i < rows; ++i) std::copy(a + i * a_stride, a + i * a_stride + w.depth, in + i * w.depth);
    std::fill(in + rows * w.depth, in + tile_rows * w.depth, T(0));
    a = in;
    a_stride = w.depth;
  }
  if (rows == tile_rows && w.outputs == w.padded_outputs) return multiply_full_tile(w, tile_rows, a, a_stride, c, c_stride);
  T* out = out_memory.reserve_for<T>(tile_rows * w.padded_outputs);
  multiply_full_tile(w, tile_rows, a, a_stride, out, w.padded_outputs);
  for (Index i = 0; i < rows; ++i)
    std::copy(out + i * w.padded_outputs, out + i * w.padded_outputs + w.outputs, c + i * c_stride);
}

}  // namespace ligase::inline LIGASE_ISA::device::gemm_detail
