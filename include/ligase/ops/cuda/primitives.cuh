#pragma once

#include <ligase/core/context.hpp>
#include <ligase/core/tensor.hpp>
#include <ligase/ops/cuda/launch.cuh>
#include <ligase/ops/generic/host_view.hpp>

#include <cub/device/device_for.cuh>
#include <cub/device/device_reduce.cuh>
#include <cuda/std/functional>
#include <thrust/iterator/counting_iterator.h>

namespace ligase::inline LIGASE_ISA::kernels {

/// One thread per index: whole rows, recurrences and reductions take as long as their longest.
template <class F>
__global__ void for_rows(Index n, F f) {
  const Index i = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < n) f(i);
}

/// The index of an id that is not valid, else `none`.
struct InvalidAt {
  const std::int32_t* ids;
  generic::ValidId valid;
  Index none;
  LIGASE_HD Index operator()(Index i) const { return valid(ids[i]) ? none : i; }
};

}  // namespace ligase::inline LIGASE_ISA::kernels

namespace ligase::inline LIGASE_ISA::device {

template <class F>
void for_each(Context<cuda>&, Index n, F f) {
  if (n > 0 && !is_planning()) check_cuda(cub::DeviceFor::Bulk(n, f, stream()), "cub::DeviceFor::Bulk");
}

/// Small blocks, so that few rows spread over many multiprocessors.
template <class F>
void for_rows(Context<cuda>&, Index n, F f) {
  constexpr int threads = 32;
  launch({.blocks = (n + threads - 1) / threads, .threads = threads}, kernels::for_rows<F>, n, f);
}

/// Ids are not looked at while a graph is recorded: what it is replayed with has to be checked before.
inline Index find_invalid_id(Context<cuda>&, const Tensor<std::int32_t, cuda>& ids, generic::ValidId valid) {
  const Index n = ids.count();
  if (n == 0 || is_planning() || is_capturing()) return -1;
  const auto indices = thrust::make_counting_iterator(Index{0});
  const kernels::InvalidAt at{ids.data(), valid, n};
  Tensor<Index, cuda> least({1});
  const auto reduce = [&](void* work, std::size_t& bytes) {
    check_cuda(cub::DeviceReduce::TransformReduce(work, bytes, indices, least.data(), n, ::cuda::minimum<>{}, at, n, stream()),
               "cub::DeviceReduce");
  };
  std::size_t bytes = 0;
  reduce(nullptr, bytes);
  Tensor<unsigned char, cuda> work({static_cast<Index>(bytes)});
  reduce(work.data(), bytes);
  Index first = n;
  copy_out(cuda{}, &first, least.data(), least.bytes());
  return first == n ? -1 : first;
}

}  // namespace ligase::inline LIGASE_ISA::device
