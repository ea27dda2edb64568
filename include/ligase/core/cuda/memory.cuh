#pragma once

#include <ligase/core/arena.hpp>
#include <ligase/core/cuda.hpp>
#include <ligase/core/cuda/planning.cuh>
#include <ligase/core/cuda/runtime.cuh>
#include <ligase/core/cuda/staging.cuh>

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

/// Definitions of ligase/core/cuda.hpp. Weak, because several files of a program may hold them.
namespace ligase::inline LIGASE_ISA::device {

inline constexpr RegionSource cuda_regions{
    [](Index bytes) -> void* {
      void* p = nullptr;
      if (cudaMalloc(&p, static_cast<std::size_t>(bytes)) == cudaSuccess) return p;
      cudaGetLastError();
      return nullptr;
    },
    [](void* begin, Index) noexcept { cudaFree(begin); }};

/// Never destroyed: tensors may live as long as the process.
inline Arena& cuda_arena() {
  static Arena& arena = *(runtime(), new Arena(cuda_regions));
  return arena;
}

/// While one of these is alive, this thread takes memory from `arena`. A block goes back to where it came from, so `arena`
/// must outlive every tensor that was made meanwhile.
class TakeFrom {
 public:
  explicit TakeFrom(Arena& arena) : before_(std::exchange(current(), &arena)) {}
  ~TakeFrom() { current() = before_; }
  TakeFrom(const TakeFrom&) = delete;
  TakeFrom& operator=(const TakeFrom&) = delete;

  /// Null: the process's own.
  static Arena*& current() {
    thread_local Arena* arena = nullptr;
    return arena;
  }

 private:
  Arena* before_;
};

/// Arenas beside the process's own.
struct OtherArenas {
  std::mutex mutex;
  std::vector<Arena*> list;
};
inline OtherArenas& other_arenas() {
  static OtherArenas& instance = *new OtherArenas;
  return instance;
}

/// Memory that nothing else is given: what a recorded graph works in.
class PrivateArena {
 public:
  PrivateArena() : arena_(std::make_unique<Arena>((runtime(), cuda_regions))) {
    const std::lock_guard lock(other_arenas().mutex);
    other_arenas().list.push_back(arena_.get());
  }
  ~PrivateArena() {
    const std::lock_guard lock(other_arenas().mutex);
    std::erase(other_arenas().list, arena_.get());
  }
  PrivateArena(const PrivateArena&) = delete;
  PrivateArena& operator=(const PrivateArena&) = delete;

  Arena& arena() { return *arena_; }

 private:
  std::unique_ptr<Arena> arena_;
};

namespace detail {
inline constexpr Index cuda_alignment = 256;
inline Index cuda_bytes(Index bytes) { return std::max(cuda_alignment, round_up(bytes, cuda_alignment)); }
}  // namespace detail

[[gnu::weak]] void* allocate(cuda, Index bytes) {
  if (is_planning() && TakeFrom::current() == nullptr) return planning_place();
  const Index rounded = detail::cuda_bytes(bytes);
  Arena& arena = TakeFrom::current() != nullptr ? *TakeFrom::current() : cuda_arena();
  void* p = arena.take(rounded);
  if (p == nullptr && !is_capturing()) {
    synchronize(cuda{});
    cuda_arena().trim();
    p = arena.take(rounded);
  }
  if (p == nullptr)
    throw Error{{.kind = ErrorKind::io, .what = "the GPU is out of memory", .expected = std::to_string(bytes) + " free bytes"}};
  return p;
}
[[gnu::weak]] void release(cuda, void* p, Index bytes) noexcept {
  if (p == planning_place()) return;
  const std::lock_guard lock(other_arenas().mutex);
  for (Arena* arena : other_arenas().list)
    if (arena->owns(p)) return arena->give(p, detail::cuda_bytes(bytes));
  cuda_arena().give(p, detail::cuda_bytes(bytes));
}
[[gnu::weak]] bool reserve(cuda, Index bytes) { return cuda_arena().reserve(detail::cuda_bytes(bytes)); }

[[gnu::weak]] void copy_in(cuda, void* to, const void* from, Index bytes) {
  if (bytes == 0 || is_planning()) return;
  if (is_capturing())
    throw Error{{.kind = ErrorKind::internal, .what = "host memory cannot be copied in while a graph is recorded"}};
  if (bytes <= Staging::most) {
    staging().copy_in(to, from, bytes);
    return;
  }
  check_cuda(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyHostToDevice, stream()), "cudaMemcpyAsync");
  synchronize(cuda{});
}
[[gnu::weak]] void copy_out(cuda, void* to, const void* from, Index bytes) {
  if (bytes == 0) return;
  if (is_planning()) {
    std::memset(to, 0, static_cast<std::size_t>(bytes));
    return;
  }
  check_cuda(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToHost, stream()), "cudaMemcpyAsync");
  synchronize(cuda{});
}
[[gnu::weak]] void copy_within(cuda, void* to, const void* from, Index bytes) {
  if (bytes == 0 || is_planning()) return;
  check_cuda(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToDevice, stream()), "cudaMemcpyAsync");
}
[[gnu::weak]] void set_zero(cuda, void* p, Index bytes) {
  if (bytes == 0 || is_planning()) return;
  check_cuda(cudaMemsetAsync(p, 0, static_cast<std::size_t>(bytes), stream()), "cudaMemsetAsync");
}
[[gnu::weak]] void synchronize(cuda) {
  if (!is_planning()) check_cuda(cudaStreamSynchronize(stream()), "what it was given");
}

}  // namespace ligase::inline LIGASE_ISA::device
