#include <ligase/core/parallel.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

using ligase::Index;

TEST_CASE("parallel_for runs every index once, with any number of threads") {
  for (const int threads : {1, 2, 3, 8})
    for (const Index n : {0, 1, 2, 7, 1000}) {
      std::vector<int> runs(static_cast<std::size_t>(n));
      ligase::parallel_for(threads, n, [&](Index i) { ++runs[static_cast<std::size_t>(i)]; });
      CHECK(std::all_of(runs.begin(), runs.end(), [](int r) { return r == 1; }));
    }
}

TEST_CASE("parallel_blocks covers the range with blocks of the grain") {
  for (const int threads : {1, 3})
    for (const Index n : {0, 1, 63, 64, 65, 130}) {
      std::vector<std::pair<Index, Index>> blocks(static_cast<std::size_t>((n + 63) / 64));
      ligase::parallel_blocks(threads, n, 64, [&](Index begin, Index end) {
        blocks[static_cast<std::size_t>(begin / 64)] = {begin, end};
      });
      Index expected = 0;
      for (const auto& [begin, end] : blocks) {
        CHECK(begin == expected);
        CHECK(end == std::min<Index>(n, begin + 64));
        expected = end;
      }
      CHECK(expected == n);
    }
}

TEST_CASE("a parallel_for inside a parallel_for runs in its thread") {
  std::vector<int> runs(12);
  ligase::parallel_for(2, 3, [&](Index i) {
    ligase::parallel_for(2, 4, [&](Index j) { ++runs[static_cast<std::size_t>(4 * i + j)]; });
  });
  CHECK(std::all_of(runs.begin(), runs.end(), [](int r) { return r == 1; }));
}

TEST_CASE("at least one thread is available") { CHECK(ligase::available_threads() >= 1); }
