#pragma once

#include <ligase/core/cuda/runtime.cuh>

#include <type_traits>

namespace ligase::inline LIGASE_ISA::device {

/// A value on its way from the device to pinned memory of the host, which goes on meanwhile.
template <class T>
class Arrival {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Arrival() {
    check_cuda(cudaMallocHost(&value_, sizeof(T)), "cudaMallocHost");
    // Who waits sleeps: there are batches to prepare.
    check_cuda(cudaEventCreateWithFlags(&arrived_, cudaEventDisableTiming | cudaEventBlockingSync), "cudaEventCreate");
  }
  Arrival(const Arrival&) = delete;
  Arrival& operator=(const Arrival&) = delete;
  ~Arrival() {
    if (arrived_ != nullptr) {
      cudaEventSynchronize(arrived_);
      cudaEventDestroy(arrived_);
    }
    cudaFreeHost(value_);
  }

  /// What the T at `from` is on the device when all that was given to it before is done. What was sent before must have been
  /// read.
  void send(const void* from) {
    check_cuda(cudaMemcpyAsync(value_, from, sizeof(T), cudaMemcpyDeviceToHost, stream()), "cudaMemcpyAsync");
    check_cuda(cudaEventRecord(arrived_, stream()), "cudaEventRecord");
  }
  /// Waits for it, and for nothing that was given to the device later.
  const T& read() const {
    check_cuda(cudaEventSynchronize(arrived_), "what it was given");
    return *value_;
  }

 private:
  T* value_ = nullptr;
  cudaEvent_t arrived_ = nullptr;
};

}  // namespace ligase::inline LIGASE_ISA::device
