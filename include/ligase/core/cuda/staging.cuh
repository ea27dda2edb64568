#pragma once

#include <ligase/core/cuda/runtime.cuh>

#include <algorithm>
#include <cstring>
#include <mutex>

namespace ligase::inline LIGASE_ISA::device {

/// Pinned pages through which host memory goes in, so that a caller need not wait for the device: a ring in eight parts. A part
/// is written again once the copies out of it in the round before have run. The ring holds eight copies of the largest size
/// seen, two steps' ids and labels and more; so who gives the device no more than two steps at once never waits here.
class Staging {
 public:
  static constexpr Index most = Index{1} << 24;  ///< bytes of one copy

  void copy_in(void* to, const void* from, Index bytes) {
    const std::lock_guard lock(mutex_);
    if (8 * bytes > capacity_) grow(bytes);
    if (used_ + bytes > capacity_) {
      used_ = 0;
      entered_ = -1;
    }
    const Index part = capacity_ / parts, first = used_ / part, last = (used_ + bytes - 1) / part;
    for (Index i = std::max(first, entered_ + 1); i <= last; ++i)
      check_cuda(cudaEventSynchronize(copied_[i]), "cudaEventSynchronize");
    std::byte* const place = static_cast<std::byte*>(pages_) + used_;
    std::memcpy(place, from, static_cast<std::size_t>(bytes));
    check_cuda(cudaMemcpyAsync(to, place, static_cast<std::size_t>(bytes), cudaMemcpyHostToDevice, stream()),
               "cudaMemcpyAsync");
    for (Index i = first; i <= last; ++i) check_cuda(cudaEventRecord(copied_[i], stream()), "cudaEventRecord");
    entered_ = last;
    used_ += round_up(bytes, 64);
  }

 private:
  static constexpr Index parts = 8, least = Index{1} << 22;

  void grow(Index bytes) {
    Index size = std::max(least, capacity_);
    while (size < 8 * bytes) size *= 2;
    void* pages = nullptr;
    check_cuda(cudaMallocHost(&pages, static_cast<std::size_t>(size)), "cudaMallocHost");
    for (cudaEvent_t& event : copied_)
      if (event == nullptr)
        check_cuda(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "cudaEventCreate");
      else
        check_cuda(cudaEventSynchronize(event), "cudaEventSynchronize");
    if (pages_ != nullptr) check_cuda(cudaFreeHost(pages_), "cudaFreeHost");
    pages_ = pages;
    capacity_ = size;
    used_ = 0;
    entered_ = parts;
  }

  std::mutex mutex_;
  void* pages_ = nullptr;
  Index capacity_ = 0, used_ = 0;
  Index entered_ = parts;  ///< the part that is being filled: it and those before it were waited for in this round
  cudaEvent_t copied_[parts] = {};
};
inline Staging& staging() {
  static Staging& instance = *new Staging;
  return instance;
}

}  // namespace ligase::inline LIGASE_ISA::device
