#include <ligase/ops/pooling.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

using ligase::Context;
using ligase::Index;
using ligase::Pooling;
using ligase::Tensor;
namespace ops = ligase::ops;

namespace {

/// Two sequences of three tokens and two channels.
const std::vector<double> two{1, 9, 5, 2, 5, 4, -1, -9, -5, -2, -5, -4};
const std::vector<double> ones{1, 10, 100, 1000};

struct Result {
  std::vector<double> y, dx;
};
Result pooled(Pooling pooling, const std::vector<std::int32_t>& mask = {}) {
  Context<> context;
  ops::PoolingSaved<ligase::cpu> saved;
  const auto m = mask.empty() ? Tensor<std::int32_t>() : Tensor<std::int32_t>::from({2, 3}, mask);
  const auto y = ops::pool(context, Tensor<double>::from({2, 3, 2}, two), pooling, m, &saved);
  const auto dx = ops::pool_backward(context, Tensor<double>::from({2, 2}, ones), pooling, saved);
  CHECK(y.shape() == ligase::Shape{2, 2});
  CHECK(dx.shape() == ligase::Shape{2, 3, 2});
  return {{y.data(), y.data() + 4}, {dx.data(), dx.data() + 12}};
}
using Values = std::vector<double>;

}  // namespace

TEST_CASE("all tokens") {
  CHECK(pooled(Pooling::first).y == Values{1, 9, -1, -9});
  CHECK(pooled(Pooling::first).dx == Values{1, 10, 0, 0, 0, 0, 100, 1000, 0, 0, 0, 0});
  CHECK(pooled(Pooling::last).y == Values{5, 4, -5, -4});
  CHECK(pooled(Pooling::last).dx == Values{0, 0, 0, 0, 1, 10, 0, 0, 0, 0, 100, 1000});
  const auto mean = pooled(Pooling::mean);
  CHECK(mean.y == Values{11.0 / 3, 5, -11.0 / 3, -5});
  CHECK(mean.dx == Values{1.0 / 3, 10.0 / 3, 1.0 / 3, 10.0 / 3, 1.0 / 3, 10.0 / 3,  //
                          100.0 / 3, 1000.0 / 3, 100.0 / 3, 1000.0 / 3, 100.0 / 3, 1000.0 / 3});
}

TEST_CASE("the gradient of a maximum goes to the first token that attains it") {
  const auto max = pooled(Pooling::max);
  CHECK(max.y == Values{5, 9, -1, -2});
  CHECK(max.dx == Values{0, 10, 1, 0, 0, 0, 100, 0, 0, 1000, 0, 0});
}

TEST_CASE("tokens are left out by a mask; a sequence without any gives zeros") {
  const std::vector<std::int32_t> mask{0, 1, 1, 0, 0, 0};
  CHECK(pooled(Pooling::first, mask).y == Values{5, 2, 0, 0});
  CHECK(pooled(Pooling::last, {1, 1, 0, 1, 0, 0}).y == Values{5, 2, -1, -9});
  CHECK(pooled(Pooling::mean, mask).y == Values{5, 3, 0, 0});
  CHECK(pooled(Pooling::max, mask).y == Values{5, 4, 0, 0});
  CHECK(pooled(Pooling::max, {0, 0, 0, 0, 1, 1}).y == Values{0, 0, -5, -2});
  CHECK(pooled(Pooling::mean, mask).dx == Values{0, 0, 0.5, 5, 0.5, 5, 0, 0, 0, 0, 0, 0});
  CHECK(pooled(Pooling::max, mask).dx == Values{0, 0, 1, 0, 0, 10, 0, 0, 0, 0, 0, 0});
  CHECK(pooled(Pooling::last, mask).dx == Values{0, 0, 0, 0, 1, 10, 0, 0, 0, 0, 0, 0});
}

TEST_CASE("a maximum over many tokens keeps its place, and a value that is not a number wins") {
  Context<> context;
  auto x = Tensor<float>::zeros({1, 1000, 1});
  x.data()[130] = x.data()[700] = 3;
  ops::PoolingSaved<ligase::cpu> saved;
  CHECK(ops::pool(context, x, Pooling::max, {}, &saved).data()[0] == 3);
  CHECK(saved.choice.data()[0] == 130);
  x.data()[500] = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(ops::pool(context, x, Pooling::max, {}, &saved).data()[0]));
  CHECK(saved.choice.data()[0] == 500);
}

TEST_CASE("shapes are checked") {
  Context<> context;
  CHECK_THROWS_WITH_AS(ops::pool(context, Tensor<float>({2, 0, 3}), Pooling::mean),
                       "pool; expected [B, L, D] with L of at least 1, found [2, 0, 3]", ligase::Error);
  CHECK_THROWS_WITH_AS(ops::pool(context, Tensor<float>({2, 4, 3}), Pooling::mean, Tensor<std::int32_t>({2, 3})),
                       "pool mask: shapes do not fit; expected [2, 4], found [2, 3]", ligase::Error);
}
