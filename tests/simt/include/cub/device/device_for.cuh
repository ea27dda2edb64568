#pragma once

#include <cuda_runtime.h>

namespace simt {
template <class Index, class F>
__global__ void bulk(Index n, F f) {
  const Index i = static_cast<Index>(blockIdx.x) * static_cast<Index>(blockDim.x) + static_cast<Index>(threadIdx.x);
  if (i < n) f(i);
}
}  // namespace simt

namespace cub {

struct DeviceFor {
  template <class Index, class F>
  static cudaError_t Bulk(Index n, F f, cudaStream_t stream = {}) {
    if (n == 0) return cudaSuccess;
    cudaLaunchConfig_t config{};
    config.blockDim = dim3(256);
    config.gridDim = dim3(static_cast<unsigned>((n + 255) / 256));
    config.stream = stream;
    return cudaLaunchKernelEx(&config, simt::bulk<Index, F>, n, f);
  }
};

}  // namespace cub
