#pragma once

#include <ligase/core/error.hpp>
#include <ligase/core/platform.hpp>

#include <cuda_runtime.h>

#include <string>

namespace ligase::inline LIGASE_ISA::device {

/// Throws kind `io` for a call that failed, with what the driver says.
inline void check_cuda(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  cudaGetLastError();
  throw Error{{.kind = ErrorKind::io, .what = std::string("the GPU refused ") + call, .found = cudaGetErrorString(status)}};
}

/// Never destroyed: a process may end while tensors are alive.
struct Runtime {
  cudaStream_t stream = nullptr;
  int multiprocessors = 0;

  Runtime() {
    int current = 0;
    if (const cudaError_t status = cudaGetDevice(&current); status != cudaSuccess)
      throw Error{{.kind = ErrorKind::usage, .what = "no NVIDIA GPU can be used", .found = cudaGetErrorString(status)}};
    check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate");
    check_cuda(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, current), "cudaDeviceGetAttribute");
  }
};
inline const Runtime& runtime() {
  static const Runtime& instance = *new Runtime;
  return instance;
}

/// Whether this thread plans (ligase/core/cuda/planning.hpp): what would be given to the device is passed over.
inline bool& is_planning() {
  thread_local bool planning = false;
  return planning;
}

/// The stream of everything that the library runs.
inline cudaStream_t stream() { return runtime().stream; }
inline int multiprocessors() { return runtime().multiprocessors; }

/// Whether the stream is being recorded into a graph: nothing may wait for the device then.
inline bool is_capturing() {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  check_cuda(cudaStreamIsCapturing(stream(), &status), "cudaStreamIsCapturing");
  return status != cudaStreamCaptureStatusNone;
}

}  // namespace ligase::inline LIGASE_ISA::device
