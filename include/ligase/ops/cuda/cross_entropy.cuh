#pragma once

#include <ligase/core/math.hpp>
#include <ligase/ops/cross_entropy.hpp>
#include <ligase/ops/cuda/rows.cuh>

#include <cmath>

/// A row of logits is read by a group of lanes, a quad at a time: 4 lanes for up to 64 logits, so that one of 16 is one access
/// per lane, else a warp. Sums over a row go through a lane's quads, then over the lanes. A block has a tile of rows; sums over
/// rows are taken in double: over a group's rows, the block, the blocks. Lanes of a row that does not count take part in
/// shuffles only.
namespace ligase::inline LIGASE_ISA::kernels {

inline constexpr Index targets_of_block = 256;

template <class T>
struct Targets {
  using W = wide_t<T>;
  const T* logits;
  const std::int32_t* labels;
  Index ignore;
  const W* weights;  ///< or null
  Index rows, width;
  int access;

  /// Of row, or -1 where it does not count.
  __device__ Index label(Index row) const {
    if (row >= rows) return -1;
    const Index found = labels[row];
    return found == ignore ? -1 : found;
  }
};

template <int Lanes, class W>
__device__ __forceinline__ W group_sum(W x) {
#pragma unroll
  for (int distance = Lanes / 2; distance > 0; distance /= 2) x += __shfl_xor_sync(all_lanes, x, distance);
  return x;
}

/// Largest logit and the sum of e^(x - largest).
template <class W>
struct Softmax {
  W maximum, sum;
};
template <int Lanes, class T>
__device__ __forceinline__ Softmax<wide_t<T>> softmax_of(const Targets<T>& a, Index row, bool counts, int lane) {
  using W = wide_t<T>;
  const T* x = a.logits + row * a.width;
  const Index width = counts ? a.width : 0;
  W maximum = static_cast<W>(-INFINITY);
  for (Index j = lane * quad; j < width; j += Lanes * quad) {
    W v[quad];
    load_quad(x + j, width - j, a.access, v);
#pragma unroll
    for (int e = 0; e < quad; ++e)
      if (j + e < width && v[e] > maximum) maximum = v[e];
  }
#pragma unroll
  for (int distance = Lanes / 2; distance > 0; distance /= 2) {
    const W other = __shfl_xor_sync(all_lanes, maximum, distance);
    maximum = other > maximum ? other : maximum;
  }
  W sum = W(0);
  for (Index j = lane * quad; j < width; j += Lanes * quad) {
    W v[quad];
    load_quad(x + j, width - j, a.access, v);
#pragma unroll
    for (int e = 0; e < quad; ++e)
      if (j + e < width) sum += math::exp(v[e] - maximum);
  }
  return {maximum, group_sum<Lanes>(sum)};
}

/// partial: [blocks, 3], sums of terms, of weights, and the number of targets.
template <class T, int Lanes>
__global__ void __launch_bounds__(block_threads) cross_entropy_forward(Targets<T> a, double* partial) {
  using W = wide_t<T>;
  const int lane = static_cast<int>(threadIdx.x) % Lanes;
  const Index begin = static_cast<Index>(blockIdx.x) * targets_of_block + static_cast<int>(threadIdx.x) / Lanes;
  double sums[3] = {};
  for (Index k = 0; k < targets_of_block; k += block_threads / Lanes) {
    const Index row = begin + k, label = a.label(row);
    const auto [maximum, sum] = softmax_of<Lanes>(a, row, label >= 0, lane);
    if (lane != 0 || label < 0) continue;
    const W weight = a.weights ? a.weights[row] : W(1);
    const W at_label = static_cast<W>(a.logits[row * a.width + label]);
    sums[0] += static_cast<double>(weight * (sum > W(0) ? math::log(sum) + (maximum - at_label) : sum));
    sums[1] += static_cast<double>(weight);
    sums[2] += 1;
  }
  block_sums(sums);
  if (threadIdx.x == 0)
#pragma unroll
    for (int k = 0; k < 3; ++k) partial[static_cast<Index>(blockIdx.x) * 3 + k] = sums[k];
}

template <class T, int Lanes>
__global__ void __launch_bounds__(block_threads)
    cross_entropy_backward(Targets<T> a, const double* sums, double factor, T* dlogits) {
  using W = wide_t<T>;
  const int lane = static_cast<int>(threadIdx.x) % Lanes;
  const Index row = static_cast<Index>(blockIdx.x) * (block_threads / Lanes) + static_cast<int>(threadIdx.x) / Lanes;
  const Index label = a.label(row);
  const auto [maximum, sum] = softmax_of<Lanes>(a, row, label >= 0, lane);
  if (row >= a.rows) return;
  const W per_target = static_cast<W>(sums[1] != 0 ? factor / sums[1] : 0.0);
  const W outer = a.weights && label >= 0 ? per_target * a.weights[row] : per_target, scale = outer / sum;
  const Index at = row * a.width;
  for (Index j = lane * quad; j < a.width; j += Lanes * quad) {
    W v[quad] = {};
    if (label >= 0) {
      load_quad(a.logits + at + j, a.width - j, a.access, v);
#pragma unroll
      for (int e = 0; e < quad; ++e) {
        const W by_softmax = scale * math::exp(v[e] - maximum);
        v[e] = j + e == label ? by_softmax - outer : by_softmax;
      }
    }
    store_quad(dlogits + at + j, a.width - j, a.access, v);
  }
}

/// partial: [blocks, 2], hits and targets. Of equal logits the first counts; the first one counts as a hit of its own where
/// nothing is larger than it, NaN included.
template <class T, int Lanes>
__global__ void __launch_bounds__(block_threads) count_hits(Targets<T> a, double* partial) {
  using W = wide_t<T>;
  const int lane = static_cast<int>(threadIdx.x) % Lanes;
  const Index begin = static_cast<Index>(blockIdx.x) * targets_of_block + static_cast<int>(threadIdx.x) / Lanes;
  double sums[2] = {};
  for (Index k = 0; k < targets_of_block; k += block_threads / Lanes) {
    const Index row = begin + k, label = a.label(row), width = label >= 0 ? a.width : 0;
    W largest = static_cast<W>(-INFINITY);
    Index at = lane == 0 ? 0 : a.width;
    for (Index j = lane * quad; j < width; j += Lanes * quad) {
      W v[quad];
      load_quad(a.logits + row * a.width + j, width - j, a.access, v);
#pragma unroll
      for (int e = 0; e < quad; ++e)
        if (j + e == 0 || (j + e < width && v[e] > largest)) {
          largest = v[e];
          at = j + e;
        }
    }
#pragma unroll
    for (int distance = Lanes / 2; distance > 0; distance /= 2) {
      const W other = __shfl_down_sync(all_lanes, largest, static_cast<unsigned>(distance));
      const Index place = __shfl_down_sync(all_lanes, at, static_cast<unsigned>(distance));
      if (lane < distance && (other > largest || (other == largest && place < at))) {
        largest = other;
        at = place;
      }
    }
    if (lane != 0 || label < 0) continue;
    sums[0] += at == label ? 1 : 0;
    sums[1] += 1;
  }
  block_sums(sums);
  if (threadIdx.x == 0)
#pragma unroll
    for (int k = 0; k < 2; ++k) partial[static_cast<Index>(blockIdx.x) * 2 + k] = sums[k];
}

}  // namespace ligase::inline LIGASE_ISA::kernels

namespace ligase::inline LIGASE_ISA::device {
namespace cross_entropy_cuda {

template <class T>
kernels::Targets<T> targets(const Tensor<T, cuda>& logits, const Tensor<std::int32_t, cuda>& labels, Index ignore,
                            const wide_t<T>* weights, const T* dlogits = nullptr) {
  const Index width = logits.size(-1);
  return {logits.data(),
          labels.data(),
          ignore,
          weights,
          labels.count(),
          width,
          kernels::quad_access(width, logits.data(), dlogits)};
}

/// f(constant) with the lanes of a row.
template <class F>
void with_lanes(Index width, F&& f) {
  if (width <= 64)
    f(std::integral_constant<int, 4>{});
  else
    f(std::integral_constant<int, kernels::warp_lanes>{});
}

/// The N sums that `kernel` takes of every block.
template <int N, class T>
void sum_blocks(void (*kernel)(kernels::Targets<T>, double*), const kernels::Targets<T>& a,
                Tensor<double, cuda>& sums) {
  constexpr Index shared = sizeof(kernels::BlockSums<N>);
  const Index blocks = kernels::blocks_of(a.rows, kernels::targets_of_block);
  Tensor<double, cuda> partial({blocks, N});
  launch({.blocks = blocks, .threads = kernels::block_threads, .shared_bytes = shared}, kernel, a, partial.data());
  launch({.blocks = 1, .threads = kernels::block_threads, .shared_bytes = shared}, kernels::add_partial_sums<N>,
         partial.data(), blocks, sums.data());
}

}  // namespace cross_entropy_cuda

template <class T>
void cross_entropy_forward(Context<cuda>&, const Tensor<T, cuda>& logits, const Tensor<std::int32_t, cuda>& labels,
                           Index ignore, const Tensor<wide_t<T>, cuda>& weights, Tensor<double, cuda>& sums) {
  const auto a = cross_entropy_cuda::targets(logits, labels, ignore, weights.data());
  cross_entropy_cuda::with_lanes(a.width, [&](auto lanes) {
    cross_entropy_cuda::sum_blocks<3, T>(kernels::cross_entropy_forward<T, lanes.value>, a, sums);
  });
}

template <class T>
void cross_entropy_backward(Context<cuda>&, const Tensor<double, cuda>& sums, const Tensor<T, cuda>& logits,
                            const Tensor<std::int32_t, cuda>& labels, Index ignore,
                            const Tensor<wide_t<T>, cuda>& weights, double factor, Tensor<T, cuda>& dlogits) {
  const auto a = cross_entropy_cuda::targets(logits, labels, ignore, weights.data(), dlogits.data());
  cross_entropy_cuda::with_lanes(a.width, [&](auto lanes) {
    launch(
        {.blocks = kernels::blocks_of(a.rows, kernels::block_threads / lanes.value), .threads = kernels::block_threads},
        kernels::cross_entropy_backward<T, lanes.value>, a, sums.data(), factor, dlogits.data());
  });
}

template <class T>
void accuracy_forward(Context<cuda>&, const Tensor<T, cuda>& logits, const Tensor<std::int32_t, cuda>& labels,
                      Index ignore, Tensor<double, cuda>& counts) {
  const auto a = cross_entropy_cuda::targets(logits, labels, ignore, static_cast<const wide_t<T>*>(nullptr));
  cross_entropy_cuda::with_lanes(a.width, [&](auto lanes) {
    cross_entropy_cuda::sum_blocks<2, T>(kernels::count_hits<T, lanes.value>, a, counts);
  });
}

}  // namespace ligase::inline LIGASE_ISA::device
