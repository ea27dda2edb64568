#include <doctest/doctest.h>
#include <ligase/core/arena.hpp>
#include <ligase/core/random.hpp>
#include <ligase/core/tensor.hpp>

#include <algorithm>
#include <utility>
#include <vector>

using namespace ligase;

TEST_CASE("the arena gives freed blocks out again, joins neighbours and returns empty regions") {
  device::Arena arena;
  auto* a = static_cast<std::byte*>(arena.take(1024));
  auto* b = static_cast<std::byte*>(arena.take(4096));
  auto* c = static_cast<std::byte*>(arena.take(64));
  CHECK(b == a + 1024);
  CHECK(c == b + 4096);
  const Index mapped = arena.mapped();
  arena.give(b, 4096);
  CHECK(arena.take(4096) == b);
  arena.give(a, 1024);
  arena.give(b, 4096);
  CHECK(arena.take(5120) == a);
  CHECK(arena.mapped() == mapped);
  arena.trim();
  CHECK(arena.mapped() == mapped);
  arena.give(a, 5120);
  arena.give(c, 64);
  arena.trim();
  CHECK(arena.mapped() == 0);
}

TEST_CASE("random blocks of the arena never overlap and come back whole") {
  device::Arena arena;
  std::vector<std::pair<std::byte*, Index>> blocks;
  const RandomStream random{4, 0, 0};
  for (std::uint64_t i = 0; i < 20000; ++i) {
    if (!blocks.empty() && random.uniform(2 * i) < 0.5) {
      std::swap(blocks[random.below(2 * i + 1, blocks.size())], blocks.back());
      auto [p, bytes] = blocks.back();
      blocks.pop_back();
      CHECK(std::count(p, p + bytes, static_cast<std::byte>(bytes / 64)) == bytes);
      arena.give(p, bytes);
    } else {
      const Index bytes = 64 * static_cast<Index>(1 + random.below(2 * i + 1, std::uint64_t{1} << random.below(2 * i, 12)));
      auto* p = static_cast<std::byte*>(arena.take(bytes));
      REQUIRE(p != nullptr);
      std::fill(p, p + bytes, static_cast<std::byte>(bytes / 64));
      blocks.push_back({p, bytes});
    }
  }
  for (auto [p, bytes] : blocks) arena.give(p, bytes);
  CHECK(arena.mapped() <= Index{1} << 28);
  arena.trim();
  CHECK(arena.mapped() == 0);
}

TEST_CASE("reserved room serves later blocks") {
  device::Arena arena;
  REQUIRE(arena.reserve(Index{50} << 20));
  const Index mapped = arena.mapped();
  for (int i = 0; i < 49; ++i) REQUIRE(arena.take(Index{1} << 20) != nullptr);
  CHECK(arena.mapped() == mapped);
}

TEST_CASE("memory of tensors is counted, on meta too, where nothing is allocated") {
  MemoryCounter& counter = memory_counter<meta>();
  const Index before = counter.live;
  counter.reset_peak();
  {
    const Tensor<float, meta> a({1 << 20, 1 << 20}), b = a;
    CHECK(counter.live - before == Index{4} << 40);
    CHECK(a.data() == nullptr);
  }
  CHECK(counter.live == before);
  CHECK(counter.peak - before == Index{4} << 40);
}
