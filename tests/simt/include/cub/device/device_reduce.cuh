#pragma once

#include <cuda_runtime.h>

namespace simt {
/// One thread, from the first to the last.
template <class In, class Out, class Index, class Reduce, class Transform, class T>
__global__ void reduce(In in, Out out, Index n, Reduce f, Transform transform, T initial) {
  for (Index i = 0; i < n; ++i) initial = f(initial, static_cast<T>(transform(in[i])));
  *out = initial;
}
}  // namespace simt

namespace cub {

/// With `work` null the calls only say how many bytes of it they need.
struct DeviceReduce {
  template <class In, class Out, class Index, class Reduce, class Transform, class T>
  static cudaError_t TransformReduce(void* work, std::size_t& bytes, In in, Out out, Index n, Reduce f,
                                     Transform transform, T initial, cudaStream_t stream = {}) {
    if (work == nullptr) {
      bytes = 1;
      return cudaSuccess;
    }
    cudaLaunchConfig_t config{};
    config.gridDim = config.blockDim = dim3(1);
    config.stream = stream;
    return cudaLaunchKernelEx(&config, simt::reduce<In, Out, Index, Reduce, Transform, T>, in, out, n, f, transform,
                              initial);
  }
  template <class In, class Out, class Index, class F, class T>
  static cudaError_t Reduce(void* work, std::size_t& bytes, In in, Out out, Index n, F f, T initial,
                            cudaStream_t stream = {}) {
    return TransformReduce(work, bytes, in, out, n, f, [](auto x) { return x; }, initial, stream);
  }
};

}  // namespace cub
