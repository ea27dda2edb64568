#pragma once

#include <ligase/core/device.hpp>
#include <ligase/core/error.hpp>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// Bytes held by tensors of a device, now and at most since the last reset.
struct MemoryCounter {
  std::atomic<Index> live{0};
  std::atomic<Index> peak{0};

  void add(Index bytes) {
    const Index now = live.fetch_add(bytes) + bytes;
    Index before = peak.load();
    while (now > before && !peak.compare_exchange_weak(before, now)) {
    }
  }
  void remove(Index bytes) { live.fetch_sub(bytes); }
  void reset_peak() { peak.store(live.load()); }
};

template <Device D>
MemoryCounter& memory_counter() {
  static MemoryCounter counter;
  return counter;
}

namespace device {

/// Freed blocks are kept by size and given out again: a training step asks for the same sizes as the one before, and
/// pages fresh from the kernel cost more than the arithmetic done on them. What is kept never exceeds what was in use at
/// the most: where it would, all of it goes back first, so sizes that are no longer asked for do not pile up.
class CpuPool {
 public:
  void* take(Index bytes) {
    {
      const std::lock_guard lock(mutex_);
      in_use_ += bytes;
      most_in_use_ = std::max(most_in_use_, in_use_);
      if (auto found = free_.find(bytes); found != free_.end() && !found->second.empty()) {
        void* p = found->second.back();
        found->second.pop_back();
        kept_ -= bytes;
        return p;
      }
    }
    void* p = std::aligned_alloc(alignment, static_cast<std::size_t>(bytes));
    if (p == nullptr) {
      const std::lock_guard lock(mutex_);
      in_use_ -= bytes;
    }
    return p;
  }
  void give(void* p, Index bytes) {
    const std::lock_guard lock(mutex_);
    in_use_ -= bytes;
    if (kept_ + bytes > most_in_use_) free_kept();
    free_[bytes].push_back(p);
    kept_ += bytes;
  }
  /// Returns all kept blocks to the system.
  void trim() {
    const std::lock_guard lock(mutex_);
    free_kept();
  }
  /// Bytes kept for later.
  Index kept() const {
    const std::lock_guard lock(mutex_);
    return kept_;
  }
  ~CpuPool() { trim(); }

  static constexpr Index alignment = 64;

 private:
  void free_kept() {
    for (auto& [bytes, blocks] : free_)
      for (void* p : blocks) std::free(p);
    free_.clear();
    kept_ = 0;
  }

  mutable std::mutex mutex_;
  std::map<Index, std::vector<void*>> free_;
  Index in_use_ = 0, most_in_use_ = 0, kept_ = 0;
};

inline CpuPool& cpu_pool() {
  static CpuPool pool;
  return pool;
}

inline void* allocate(cpu, Index bytes) {
  const Index a = CpuPool::alignment, rounded = std::max(a, (bytes + a - 1) / a * a);
  void* p = cpu_pool().take(rounded);
  if (p == nullptr) {
    cpu_pool().trim();
    p = cpu_pool().take(rounded);
  }
  if (p == nullptr)
    throw Error{{.kind = ErrorKind::io, .what = "out of memory", .expected = std::to_string(bytes) + " free bytes"}};
  return p;
}
inline void release(cpu, void* p, Index bytes) noexcept {
  const Index a = CpuPool::alignment, rounded = std::max(a, (bytes + a - 1) / a * a);
  cpu_pool().give(p, rounded);
}

inline void* allocate(meta, Index) { return nullptr; }
inline void release(meta, void*, Index) noexcept {}

}  // namespace device
}  // namespace ligase::inline LIGASE_ISA
