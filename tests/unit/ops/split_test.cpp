#include <ligase/ops/split.hpp>

#include <doctest/doctest.h>

#include <vector>

using ligase::Context;
using ligase::Error;
using ligase::Tensor;
namespace ops = ligase::ops;

TEST_CASE("columns are split and joined") {
  Context<> context;
  const std::vector<float> six{1, 2, 3, 4, 5, 6};
  const auto x = Tensor<float>::from({1, 2, 3}, six);
  const auto [a, b] = ops::split(context, x, 1);
  CHECK(a.shape() == ligase::Shape{1, 2, 1});
  CHECK(b.shape() == ligase::Shape{1, 2, 2});
  CHECK(std::vector<float>(a.data(), a.data() + 2) == std::vector<float>{1, 4});
  CHECK(std::vector<float>(b.data(), b.data() + 4) == std::vector<float>{2, 3, 5, 6});
  const auto y = ops::concat(context, a, b);
  CHECK(std::vector<float>(y.data(), y.data() + 6) == six);
}

TEST_CASE("an empty side is no special case") {
  Context<> context;
  const auto x = Tensor<float>::zeros({2, 3});
  const auto [none, all] = ops::split(context, x, 0);
  CHECK(none.count() == 0);
  CHECK(ops::concat(context, none, all).shape() == x.shape());
}

TEST_CASE("shapes are checked") {
  Context<ligase::meta> context;
  const Tensor<float, ligase::meta> x({2, 3}), y({3, 3});
  CHECK_THROWS_WITH_AS(ops::split(context, x, 4),
                       "split: the tensor does not have that many columns; expected at least 4, found [2, 3]", Error);
  CHECK_THROWS_WITH_AS(ops::concat(context, x, y),
                       "concat: shapes differ in more than the last dimension; found [2, 3] and [3, 3]", Error);
}
