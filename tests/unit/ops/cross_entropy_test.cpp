#include <ligase/ops/cross_entropy.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

using doctest::Approx;
using ligase::Context;
using ligase::Error;
using ligase::Index;
using ligase::Tensor;
namespace ops = ligase::ops;

namespace {
constexpr Index ignore = 4;
/// Rows whose softmax is (1/2, 1/4, 1/4), (1/3, 1/3, 1/3), (1/7, 2/7, 4/7).
Tensor<double> logits() {
  const double l = std::log(2.0);
  const std::vector<double> x{l, 0, 0, 5, 5, 5, 0, l, 2 * l};
  return Tensor<double>::from({1, 3, 3}, x);
}
Tensor<std::int32_t> labels(std::vector<std::int32_t> ids) {
  return Tensor<std::int32_t>::from({1, static_cast<Index>(ids.size())}, ids);
}
}  // namespace

TEST_CASE("mean over counted targets") {
  Context<> context;
  const auto y = labels({0, 4, 2});
  const auto result = ops::cross_entropy(context, logits(), y, ignore);
  CHECK(result.count == 2);
  CHECK(result.weight == 2);
  CHECK(result.loss == Approx((std::log(2.0) + std::log(7.0 / 4)) / 2).epsilon(1e-14));
  const auto d = ops::cross_entropy_backward(context, result, logits(), y, ignore, 3);
  CHECK(d.data()[0] == Approx(1.5 * (0.5 - 1)).epsilon(1e-14));
  CHECK(d.data()[1] == Approx(1.5 * 0.25).epsilon(1e-14));
  for (int v = 3; v < 6; ++v) CHECK(d.data()[v] == 0);
  CHECK(d.data()[8] == Approx(1.5 * (4.0 / 7 - 1)).epsilon(1e-14));
}

TEST_CASE("weights of targets; those of ignored ones do not count") {
  Context<> context;
  const std::vector<double> w{0.25, 100, 0.75};
  const auto weights = Tensor<double>::from({1, 3}, w);
  const auto y = labels({0, 4, 2});
  const auto result = ops::cross_entropy(context, logits(), y, ignore, weights);
  CHECK(result.weight == 1);
  CHECK(result.loss == Approx(0.25 * std::log(2.0) + 0.75 * std::log(7.0 / 4)).epsilon(1e-14));
  const auto d = ops::cross_entropy_backward(context, result, logits(), y, ignore, 1, weights);
  CHECK(d.data()[0] == Approx(-0.125).epsilon(1e-14));
  CHECK(d.data()[4] == 0);
  CHECK(d.data()[6] == Approx(0.75 / 7).epsilon(1e-14));
}

TEST_CASE("no counted target: loss and gradient are 0") {
  Context<> context;
  const auto y = labels({4, 4, 4});
  const auto result = ops::cross_entropy(context, logits(), y, ignore);
  CHECK(result.count == 0);
  CHECK(result.loss == 0);
  const auto d = ops::cross_entropy_backward(context, result, logits(), y, ignore);
  for (double v : d.span()) CHECK(v == 0);
  CHECK(ops::accuracy(context, logits(), y, ignore).share() == 0);
}

TEST_CASE("an ignored label inside the vocabulary is not a target") {
  Context<> context;
  CHECK(ops::cross_entropy(context, logits(), labels({0, 1, 2}), 1).count == 2);
}

TEST_CASE("large logits neither overflow nor lose the loss") {
  Context<> context;
  const std::vector<float> x{1000, 1001, -5000, -5000, 0, 1000};
  const auto rows = Tensor<float>::from({2, 3}, x);
  const std::vector<std::int32_t> ids{0, 0};
  const auto y = Tensor<std::int32_t>::from({2}, ids);
  const auto result = ops::cross_entropy(context, rows, y, -100);
  CHECK(result.loss == Approx((std::log1p(std::exp(1.0)) + 6000) / 2).epsilon(1e-6));
  const auto d = ops::cross_entropy_backward(context, result, rows, y, -100);
  for (float v : d.span()) CHECK(std::isfinite(v));
  CHECK(d.data()[5] == Approx(0.5));
}

TEST_CASE("a logit that is not a number makes the loss one") {
  Context<> context;
  for (std::size_t place = 0; place < 3; ++place) {
    std::vector<float> x{1, 2, 3};
    x[place] = std::numeric_limits<float>::quiet_NaN();
    const std::vector<std::int32_t> id{1};
    CHECK(std::isnan(
        ops::cross_entropy(context, Tensor<float>::from({1, 3}, x), Tensor<std::int32_t>::from({1}, id), -1).loss));
  }
}

TEST_CASE("accuracy counts first maxima") {
  Context<> context;
  const auto a = ops::accuracy(context, logits(), labels({0, 0, 1}), ignore);  // row 1 is a tie: its first logit wins
  CHECK(a.correct == 2);
  CHECK(a.count == 3);
  CHECK(ops::accuracy(context, logits(), labels({0, 1, 2}), ignore).correct == 2);
  CHECK(ops::accuracy(context, logits(), labels({0, 4, 2}), ignore).share() == 1);
}

TEST_CASE("labels and shapes are checked") {
  Context<> context;
  CHECK_THROWS_WITH_AS(ops::cross_entropy(context, logits(), labels({0, 3, 2}), ignore),
                       "cross_entropy: id out of range at [0, 1]; expected 0 to 2, found 3", Error);
  CHECK_THROWS_WITH_AS(
      ops::accuracy(context, logits(), labels({0, 1}), ignore),
      "accuracy: logits and labels do not fit; expected [..., V] and [...], found [1, 3, 3] and [1, 2]", Error);
  CHECK_THROWS_WITH_AS(ops::cross_entropy(context, logits(), labels({0, 1, 2}), ignore, Tensor<double>({2})),
                       "cross_entropy: one weight per label is needed; expected 3, found 2", Error);
}
