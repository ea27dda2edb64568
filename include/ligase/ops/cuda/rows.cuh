#pragma once

#include <ligase/core/bfloat16.hpp>
#include <ligase/ops/cuda/launch.cuh>

namespace ligase::inline LIGASE_ISA::kernels {

inline constexpr int warp_lanes = 32;
inline constexpr unsigned all_lanes = 0xFFFFFFFFu;

/// N elements that are moved by one access of up to 16 bytes; the address must be a multiple of the size.
template <class T, int N>
struct alignas(sizeof(T) * N) Vector {
  T element[N];
};

/// Four consecutive elements of a row of any length are the unit of row kernels: which lane has which element depends on the
/// width alone, and alignment decides only whether they are moved by one, two or four accesses.
inline constexpr int quad = 4;

template <class T>
LIGASE_HD bool is_aligned(const T* p, int elements) {
  return reinterpret_cast<std::uintptr_t>(p) % (sizeof(T) * static_cast<std::size_t>(elements)) == 0;
}
/// The most elements, 4, 2 or 1, that one access may move in rows of `width` that begin at these addresses. Null is no row.
template <class... T>
LIGASE_HD int quad_access(Index width, const T*... rows) {
  for (int n = quad; n > 1; n /= 2)
    if (width % n == 0 && (is_aligned(rows, n) && ...)) return n;
  return 1;
}

/// Elements p[0 .. 3] of which the first `count` exist; 0 for the others.
template <class T>
__device__ __forceinline__ void load_quad(const T* p, Index count, int access, wide_t<T> (&x)[quad]) {
  using W = wide_t<T>;
  if (count >= quad && access == 4) {
    const auto v = *reinterpret_cast<const Vector<T, 4>*>(p);
#pragma unroll
    for (int e = 0; e < quad; ++e) x[e] = static_cast<W>(v.element[e]);
  } else if (access >= 2) {
#pragma unroll
    for (int e = 0; e < quad; e += 2) {
      Vector<T, 2> v{{T(W(0)), T(W(0))}};
      if (e < count) v = *reinterpret_cast<const Vector<T, 2>*>(p + e);
      x[e] = static_cast<W>(v.element[0]);
      x[e + 1] = static_cast<W>(v.element[1]);
    }
  } else {
#pragma unroll
    for (int e = 0; e < quad; ++e) x[e] = e < count ? static_cast<W>(p[e]) : W(0);
  }
}

/// The same the other way.
template <class T>
__device__ __forceinline__ void store_quad(T* p, Index count, int access, const wide_t<T> (&x)[quad]) {
  if (count >= quad && access == 4) {
    Vector<T, 4> v;
#pragma unroll
    for (int e = 0; e < quad; ++e) v.element[e] = static_cast<T>(x[e]);
    *reinterpret_cast<Vector<T, 4>*>(p) = v;
  } else if (access >= 2) {
#pragma unroll
    for (int e = 0; e < quad; e += 2)
      if (e < count) *reinterpret_cast<Vector<T, 2>*>(p + e) = {{static_cast<T>(x[e]), static_cast<T>(x[e + 1])}};
  } else {
#pragma unroll
    for (int e = 0; e < quad; ++e)
      if (e < count) p[e] = static_cast<T>(x[e]);
  }
}

/// Sum over the lanes of a warp, in every lane the same bits.
template <class T>
__device__ __forceinline__ T warp_sum(T x) {
#pragma unroll
  for (int distance = warp_lanes / 2; distance > 0; distance /= 2) x += __shfl_xor_sync(all_lanes, x, distance);
  return x;
}

inline constexpr int block_threads = 256;
inline constexpr int block_warps = block_threads / warp_lanes;

template <int N>
struct BlockSums {
  double part[N][block_warps];
};
/// N sums over a block of 256 threads: over the lanes, then over the warps in order. The results are in thread 0.
template <int N>
__device__ __forceinline__ void block_sums(double (&x)[N]) {
  auto& shared = device::block_shared<BlockSums<N>>();
#pragma unroll
  for (int k = 0; k < N; ++k) {
    x[k] = warp_sum(x[k]);
    if (threadIdx.x % warp_lanes == 0) shared.part[k][threadIdx.x / warp_lanes] = x[k];
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
#pragma unroll
  for (int k = 0; k < N; ++k) {
    x[k] = 0;
    for (int w = 0; w < block_warps; ++w) x[k] += shared.part[k][w];
  }
}

/// sums[k] = the sum over i < n of partial[i, k], by one block: of thread t the rows t, t + 256, ..., then over the block.
template <int N>
__global__ void __launch_bounds__(block_threads) add_partial_sums(const double* partial, Index n, double* sums) {
  double x[N] = {};
  for (Index i = threadIdx.x; i < n; i += block_threads)
#pragma unroll
    for (int k = 0; k < N; ++k) x[k] += partial[i * N + k];
  block_sums(x);
  if (threadIdx.x == 0)
#pragma unroll
    for (int k = 0; k < N; ++k) sums[k] = x[k];
}

/// n / d rounded up.
LIGASE_HD constexpr Index blocks_of(Index n, Index d) { return (n + d - 1) / d; }

}  // namespace ligase::inline LIGASE_ISA::kernels
