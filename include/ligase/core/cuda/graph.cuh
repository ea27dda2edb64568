#pragma once

#include <ligase/core/cuda/memory.cuh>

namespace ligase::inline LIGASE_ISA::device {

/// Device work that is recorded once and then launched as a whole, without the cost of its single kernels. It works in memory
/// of its own: what it reads and writes outside, tensors that were there before, must stay where it is.
class Graph {
 public:
  Graph() = default;
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  ~Graph() {
    if (instance_ != nullptr) cudaGraphExecDestroy(instance_);
  }

  bool recorded() const { return instance_ != nullptr; }

  /// Makes room for `bytes` in one piece in the memory that the graph will work in. Throws kind `io` where there is none.
  void reserve(Index bytes) {
    if (bytes > 0 && !memory_.arena().reserve(detail::cuda_bytes(bytes)))
      throw Error{{.kind = ErrorKind::io, .what = "the GPU is out of memory", .expected = std::to_string(bytes) + " free bytes"}};
  }

  /// What the graph works in. Between two launches others may use what is free of it.
  Arena& memory() { return memory_.arena(); }

  /// Runs f() now, in the memory that the graph will work in: whatever is chosen or allocated at first use is then there.
  template <class F>
  auto rehearse(F&& f) {
    const TakeFrom scope(memory_.arena());
    return f();
  }

  /// Calls f() without running what it gives the device. Its result may be used after every launch. f may not wait for the
  /// device, nor read what it computes.
  template <class F>
  auto record(F&& f) {
    const TakeFrom scope(memory_.arena());
    check_cuda(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeRelaxed), "cudaStreamBeginCapture");
    cudaGraph_t graph = nullptr;
    try {
      auto result = f();
      check_cuda(cudaStreamEndCapture(stream(), &graph), "cudaStreamEndCapture");
      const cudaError_t status = cudaGraphInstantiate(&instance_, graph, 0);
      cudaGraphDestroy(graph);
      check_cuda(status, "cudaGraphInstantiate");
      return result;
    } catch (...) {
      if (is_capturing() && cudaStreamEndCapture(stream(), &graph) == cudaSuccess) cudaGraphDestroy(graph);
      throw;
    }
  }

  void launch() { check_cuda(cudaGraphLaunch(instance_, stream()), "cudaGraphLaunch"); }

 private:
  PrivateArena memory_;
  cudaGraphExec_t instance_ = nullptr;
};

}  // namespace ligase::inline LIGASE_ISA::device
