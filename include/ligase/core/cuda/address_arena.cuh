#pragma once

#include <ligase/core/cuda/memory.cuh>

#include <cstdint>
#include <mutex>
#include <utility>

namespace ligase::inline LIGASE_ISA::device {

/// An arena of addresses that stand for no memory: while one of these lives in a plan (Planning), this thread's tensors get
/// places as in a run, and the arena says how much room they take with the gaps between them.
class AddressArena {
 public:
  AddressArena() : scope_(arena_) {
    const std::lock_guard lock(other_arenas().mutex);
    other_arenas().list.push_back(&arena_);
  }
  ~AddressArena() {
    const std::lock_guard lock(other_arenas().mutex);
    std::erase(other_arenas().list, &arena_);
  }
  AddressArena(const AddressArena&) = delete;
  AddressArena& operator=(const AddressArena&) = delete;

  void reserve(Index bytes) { arena_.reserve(detail::cuda_bytes(bytes)); }
  Index mapped() const { return arena_.mapped(); }

 private:
  /// Far from those of any memory, and regions apart from each other.
  static void* map(Index bytes) {
    thread_local std::uintptr_t next = std::uintptr_t{1} << 62;
    return reinterpret_cast<void*>(std::exchange(next, next + static_cast<std::uintptr_t>(bytes) + (std::uintptr_t{1} << 21)));
  }
  static void unmap(void*, Index) noexcept {}

  Arena arena_{RegionSource{map, unmap}};
  TakeFrom scope_;
};

}  // namespace ligase::inline LIGASE_ISA::device
