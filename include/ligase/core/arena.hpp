#pragma once

#include <ligase/core/platform.hpp>

#include <sys/mman.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <utility>

namespace ligase::inline LIGASE_ISA::device {

/// Where regions of memory come from: `map` returns null where there is no more.
struct RegionSource {
  void* (*map)(Index bytes);
  void (*unmap)(void* begin, Index bytes) noexcept;
};

/// Host memory, in huge pages where the system has them.
inline constexpr RegionSource host_regions{
    [](Index bytes) -> void* {
      const auto size = static_cast<std::size_t>(bytes);
      void* const p = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (p == MAP_FAILED) return nullptr;
      ::madvise(p, size, MADV_HUGEPAGE);
      return p;
    },
    [](void* begin, Index bytes) noexcept { ::munmap(begin, static_cast<std::size_t>(bytes)); }};

/// Blocks cut out of a few large regions of memory: the smallest free block that fits is taken, free neighbours join. A
/// training step asks for the same blocks as the one before, so after the first one nothing comes from the system, and what is
/// resident stays near the most that was in use at once. Calls are serialised. O(log blocks).
class Arena {
 public:
  explicit Arena(RegionSource source = host_regions) : source_(source) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() {
    for (const auto& [begin, bytes] : regions_) source_.unmap(begin, bytes);
  }

  /// `bytes` is a multiple of `alignment`. Null where the system has no more.
  void* take(Index bytes) {
    const std::lock_guard lock(mutex_);
    auto found = by_size_.lower_bound({bytes, nullptr});
    if (found == by_size_.end()) {
      if (!map_region(bytes)) return nullptr;
      found = by_size_.lower_bound({bytes, nullptr});
    }
    const auto [size, begin] = *found;
    by_size_.erase(found);
    free_.erase(begin);
    if (size > bytes) add_free(begin + bytes, size - bytes);
    return begin;
  }

  void give(void* p, Index bytes) {
    const std::lock_guard lock(mutex_);
    auto* begin = static_cast<std::byte*>(p);
    auto next = free_.lower_bound(begin);
    if (next != free_.end() && begin + bytes == next->first && !regions_.contains(next->first)) {
      bytes += next->second;
      next = remove_free(next);
    }
    if (next != free_.begin() && !regions_.contains(begin)) {
      const auto before = std::prev(next);
      if (before->first + before->second == begin) {
        begin = before->first;
        bytes += before->second;
        remove_free(before);
      }
    }
    add_free(begin, bytes);
  }

  /// Makes room for `bytes` in one piece; calls `touch(p)` on it, if given. False where the system has no more.
  bool reserve(Index bytes, void (*touch)(void* p, Index bytes) = nullptr) {
    void* const p = take(round_up(bytes, alignment));
    if (p == nullptr) return false;
    if (touch != nullptr) touch(p, bytes);
    give(p, round_up(bytes, alignment));
    return true;
  }

  /// Returns regions without a block in use to the system.
  void trim() {
    const std::lock_guard lock(mutex_);
    for (auto region = regions_.begin(); region != regions_.end();) {
      const auto found = free_.find(region->first);
      if (found == free_.end() || found->second != region->second) {
        ++region;
        continue;
      }
      remove_free(found);
      source_.unmap(region->first, region->second);
      mapped_ -= region->second;
      region = regions_.erase(region);
    }
  }

  /// Whether a block came from here.
  bool owns(const void* p) const {
    const std::lock_guard lock(mutex_);
    const auto* place = static_cast<const std::byte*>(p);
    const auto after = regions_.upper_bound(const_cast<std::byte*>(place));
    return after != regions_.begin() && place < std::prev(after)->first + std::prev(after)->second;
  }

  /// Bytes that came from the system.
  Index mapped() const {
    const std::lock_guard lock(mutex_);
    return mapped_;
  }

  static constexpr Index alignment = 64;

 private:
  static constexpr Index region_multiple = Index{1} << 21, least_region = Index{1} << 25;
  using Free = std::map<std::byte*, Index>;

  /// A region of at least `bytes`: twice what there is, so that there are few, or just enough where that is too much.
  bool map_region(Index bytes) {
    const Index just = round_up(bytes, region_multiple);
    for (const Index size : {std::max({just, least_region, round_up(mapped_, region_multiple)}), just}) {
      void* const p = source_.map(size);
      if (p == nullptr) continue;
      regions_[static_cast<std::byte*>(p)] = size;
      mapped_ += size;
      add_free(static_cast<std::byte*>(p), size);
      return true;
    }
    return false;
  }
  void add_free(std::byte* begin, Index bytes) {
    free_[begin] = bytes;
    by_size_.insert({bytes, begin});
  }
  Free::iterator remove_free(Free::iterator block) {
    by_size_.erase({block->second, block->first});
    return free_.erase(block);
  }

  RegionSource source_;
  mutable std::mutex mutex_;
  std::map<std::byte*, Index> regions_;
  Free free_;  ///< never across two regions
  std::set<std::pair<Index, std::byte*>> by_size_;
  Index mapped_ = 0;
};

}  // namespace ligase::inline LIGASE_ISA::device
