#include <doctest/doctest.h>
#include <ligase/data/task_split.hpp>
#include <support/errors.hpp>

#include <algorithm>
#include <set>
#include <vector>

using ligase::Index;
using ligase::split_validation;

TEST_CASE("validation split: a tenth, every row on one side, rising") {
  for (const Index n : {2, 9, 10, 11, 99, 100, 4904, 47356}) {
    const auto split = split_validation(n, 0.1, 1);
    CHECK(static_cast<Index>(split.validation.size()) == std::max<Index>(1, n / 10));
    std::vector<Index> all = split.train;
    all.insert(all.end(), split.validation.begin(), split.validation.end());
    CHECK(std::is_sorted(split.train.begin(), split.train.end()));
    CHECK(std::is_sorted(split.validation.begin(), split.validation.end()));
    std::sort(all.begin(), all.end());
    for (Index i = 0; i < n; ++i) CHECK_MESSAGE(all[static_cast<std::size_t>(i)] == i, n);
  }
}

TEST_CASE("validation split: the seed decides, and every row is drawn about equally often") {
  CHECK(split_validation(1000, 0.1, 1).validation == split_validation(1000, 0.1, 1).validation);
  CHECK(split_validation(1000, 0.1, 1).validation != split_validation(1000, 0.1, 2).validation);
  std::vector<int> drawn(50);
  for (std::uint64_t seed = 0; seed < 4000; ++seed)
    for (const Index row : split_validation(50, 0.1, seed).validation) ++drawn[static_cast<std::size_t>(row)];
  // Binomial(4000, 0.1): mean 400, standard deviation 19.
  CHECK(*std::min_element(drawn.begin(), drawn.end()) > 310);
  CHECK(*std::max_element(drawn.begin(), drawn.end()) < 490);
}

TEST_CASE("validation split: refuses what leaves a side empty") {
  for (const auto& bad : {std::pair<Index, double>{1, 0.1}, {0, 0.1}, {10, 0.0}, {10, 1.0}, {10, -1.0}})
    CHECK(ligase_test::error_of([&] { split_validation(bad.first, bad.second, 1); }).kind() == ligase::ErrorKind::usage);
}
