#pragma once

#include <ligase/core/arena.hpp>
#include <ligase/core/cuda.hpp>
#include <ligase/core/error.hpp>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <string>

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

/// Never destroyed: tensors may live as long as the process.
inline Arena& cpu_arena() {
  static Arena& arena = *new Arena;
  return arena;
}

[[gnu::noinline]] inline void* allocate(cpu, Index bytes) {
  const Index rounded = std::max(Arena::alignment, round_up(bytes, Arena::alignment));
#if defined(__SANITIZE_ADDRESS__)
  void* p = std::aligned_alloc(static_cast<std::size_t>(Arena::alignment), static_cast<std::size_t>(rounded));
#else
  void* p = cpu_arena().take(rounded);
  if (p == nullptr) {
    cpu_arena().trim();
    p = cpu_arena().take(rounded);
  }
#endif
  if (p == nullptr)
    throw Error{{.kind = ErrorKind::io, .what = "out of memory", .expected = std::to_string(bytes) + " free bytes"}};
  return p;
}
[[gnu::noinline]] inline void release(cpu, void* p, [[maybe_unused]] Index bytes) noexcept {
#if defined(__SANITIZE_ADDRESS__)
  std::free(p);
#else
  cpu_arena().give(p, std::max(Arena::alignment, round_up(bytes, Arena::alignment)));
#endif
}
/// Makes room for `bytes` in one piece and touches it, so that using it later costs no page faults. False where the system
/// has no more.
inline bool reserve(cpu, Index bytes) {
  return cpu_arena().reserve(bytes, [](void* p, Index n) {
    constexpr Index page = 4096;
    for (Index i = 0; i < n; i += page) static_cast<volatile std::byte*>(p)[i] = std::byte{};
  });
}

inline void* allocate(meta, Index) { return nullptr; }
inline void release(meta, void*, Index) noexcept {}

}  // namespace device
}  // namespace ligase::inline LIGASE_ISA
