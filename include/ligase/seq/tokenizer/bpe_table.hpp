#pragma once

#include <ligase/core/platform.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA::detail {

/// Hash table from pairs of small numbers (not negative) to a third; open addressing, at most half full.
class PairTable {
 public:
  /// False where the pair is known already; its value stays.
  bool insert(std::int32_t a, std::int32_t b, std::int32_t value) {
    if (2 * (count_ + 1) > slots_.size()) grow();
    Slot& slot = slots_[place(slots_, key(a, b))];
    if (slot.key != empty) return false;
    slot = {key(a, b), value};
    ++count_;
    return true;
  }
  /// The pair is known already; its value changes.
  void replace(std::int32_t a, std::int32_t b, std::int32_t value) { slots_[place(slots_, key(a, b))].value = value; }
  /// -1 where the pair is unknown.
  std::int32_t find(std::int32_t a, std::int32_t b) const { return slots_[place(slots_, key(a, b))].value; }

 private:
  struct Slot {
    std::uint64_t key = empty;
    std::int32_t value = -1;
  };
  static constexpr std::uint64_t empty = ~std::uint64_t{0};

  static std::uint64_t key(std::int32_t a, std::int32_t b) {
    return static_cast<std::uint64_t>(a) << 32 | static_cast<std::uint32_t>(b);
  }
  static std::size_t place(const std::vector<Slot>& slots, std::uint64_t key) {
    std::uint64_t hash = key * 0x9E3779B97F4A7C15U;
    hash ^= hash >> 32;
    const std::size_t mask = slots.size() - 1;
    std::size_t i = hash & mask;
    while (slots[i].key != key && slots[i].key != empty) i = (i + 1) & mask;
    return i;
  }
  void grow() {
    std::vector<Slot> larger(2 * slots_.size());
    for (const Slot& slot : slots_)
      if (slot.key != empty) larger[place(larger, slot.key)] = slot;
    slots_ = std::move(larger);
  }

  std::vector<Slot> slots_{4};
  std::size_t count_ = 0;
};

/// Tree of the prefixes of strings over numbered letters. Node 0 is the empty string.
class Trie {
 public:
  std::int32_t size() const { return size_; }
  /// -1 where no string goes on like that.
  std::int32_t child(std::int32_t node, std::int32_t letter) const { return children_.find(node, letter); }
  std::int32_t add(std::int32_t node, std::int32_t letter) {
    if (children_.insert(node, letter, size_)) return size_++;
    return children_.find(node, letter);
  }

 private:
  PairTable children_;
  std::int32_t size_ = 1;
};

}  // namespace ligase::inline LIGASE_ISA::detail
