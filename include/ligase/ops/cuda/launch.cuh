#pragma once

#include <ligase/core/cuda/runtime.cuh>

#include <limits>

namespace ligase::inline LIGASE_ISA::device {

/// A grid of one dimension; kernels take their indices apart themselves, in 64 bit.
struct Grid {
  Index blocks;
  int threads;
  Index shared_bytes = 0;
};

/// The block's shared memory as one object: a kernel names a struct of what it needs and is launched with its size. There is
/// no other shared memory.
template <class T>
__device__ T& block_shared() {
  extern __shared__ unsigned char ligase_shared[];
  return *reinterpret_cast<T*>(ligase_shared);
}

/// Runs `kernel` on the library's stream. An empty grid does nothing; nor does any while planning.
template <class... Formal, class... Actual>
void launch(const Grid& grid, void (*kernel)(Formal...), Actual... arguments) {
  if (grid.blocks == 0 || is_planning()) return;
  if (grid.blocks > std::numeric_limits<std::int32_t>::max())
    throw Error{{.kind = ErrorKind::internal, .what = "grid is too large", .found = std::to_string(grid.blocks)}};
  const auto shared = static_cast<std::size_t>(grid.shared_bytes);
  if (shared > 48 * 1024)
    check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared)),
               "cudaFuncSetAttribute");
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(grid.blocks));
  config.blockDim = dim3(static_cast<unsigned>(grid.threads));
  config.dynamicSmemBytes = shared;
  config.stream = stream();
  check_cuda(cudaLaunchKernelEx(&config, kernel, static_cast<Formal>(arguments)...), "kernel launch");
}

}  // namespace ligase::inline LIGASE_ISA::device
