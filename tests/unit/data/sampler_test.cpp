#include <ligase/data/sampler.hpp>

#include <doctest/doctest.h>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace {

using ligase::EpochSampler;
using ligase::Index;
using ligase::Permutation;

std::vector<Index> order(const EpochSampler& sampler, Index first, Index count) {
  std::vector<Index> indices;
  for (Index i = first; i < first + count; ++i) indices.push_back(sampler(i));
  return indices;
}

}  // namespace

TEST_CASE("a permutation takes every value once, for every size") {
  for (const Index n : {1, 2, 3, 4, 5, 15, 16, 17, 64, 1000, 31024, 65537}) {
    CAPTURE(n);
    const Permutation permutation(n, 7);
    std::vector<Index> values;
    for (Index i = 0; i < n; ++i) values.push_back(permutation(i));
    std::sort(values.begin(), values.end());
    std::vector<Index> expected(static_cast<std::size_t>(n));
    std::iota(expected.begin(), expected.end(), 0);
    CHECK(values == expected);
  }
  const Permutation huge(Index{1} << 40, 3);
  CHECK(huge(5) != huge(6));
  CHECK(huge(5) < (Index{1} << 40));
}

TEST_CASE("orders are uniform: every place takes every value equally often, within 5 sigma") {
  const Index n = 11;
  const int keys = 20000;
  std::vector<int> counts(static_cast<std::size_t>(n * n), 0), pairs(static_cast<std::size_t>(n * n), 0);
  for (int key = 0; key < keys; ++key) {
    const Permutation permutation(n, static_cast<std::uint64_t>(key));
    for (Index i = 0; i < n; ++i) ++counts[static_cast<std::size_t>(i * n + permutation(i))];
    ++pairs[static_cast<std::size_t>(permutation(3) * n + permutation(4))];
  }
  const double share = 1.0 / 11, sigma = std::sqrt(keys * share * (1 - share));
  for (const int count : counts) CHECK(std::abs(count - keys * share) < 5 * sigma);
  const double pair_share = 1.0 / 110, pair_sigma = std::sqrt(keys * pair_share * (1 - pair_share));
  for (Index a = 0; a < n; ++a)
    for (Index b = 0; b < n; ++b) {
      const int count = pairs[static_cast<std::size_t>(a * n + b)];
      if (a == b)
        CHECK(count == 0);
      else
        CHECK(std::abs(count - keys * pair_share) < 5 * pair_sigma);
    }
}

TEST_CASE("an epoch uses no window twice and drops the rest") {
  const EpochSampler sampler(103, 10, 1);
  CHECK(sampler.samples_per_epoch() == 100);
  for (int epoch = 0; epoch < 3; ++epoch) {
    auto indices = order(sampler, epoch * 100, 100);
    CHECK_FALSE(std::is_sorted(indices.begin(), indices.end()));
    std::sort(indices.begin(), indices.end());
    CHECK(std::adjacent_find(indices.begin(), indices.end()) == indices.end());
    CHECK(indices.front() >= 0);
    CHECK(indices.back() < 103);
  }
  CHECK(order(sampler, 0, 100) != order(sampler, 100, 100));
}

TEST_CASE("the order depends on seed and sample number only") {
  const EpochSampler a(1000, 8, 5), b(1000, 8, 5), c(1000, 8, 6);
  CHECK(order(a, 0, 2500) == order(b, 0, 2500));
  CHECK(a(2345) == order(b, 0, 2346).back());
  CHECK(order(a, 0, 1000) != order(c, 0, 1000));
}

TEST_CASE("data smaller than a group is used whole; nothing to draw from is refused") {
  const EpochSampler sampler(3, 8, 5);
  CHECK(sampler.samples_per_epoch() == 3);
  auto indices = order(sampler, 3, 3);
  std::sort(indices.begin(), indices.end());
  CHECK(indices == std::vector<Index>{0, 1, 2});
  CHECK_THROWS_WITH_AS(EpochSampler(0, 8, 5),
                       "cannot draw windows; expected at least one window and one sample per step, found 0 windows, 8 "
                       "samples per step",
                       ligase::Error);
}
