#include <ligase/ops/losses.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using doctest::Approx;
using ligase::Context;
using ligase::Tensor;
namespace ops = ligase::ops;

TEST_CASE("mean squared error") {
  Context<> context;
  const std::vector<double> a{1, 2, 4}, b{1, 0, 1};
  const auto x = Tensor<double>::from({3, 1}, a), target = Tensor<double>::from({3, 1}, b);
  CHECK(ops::mean_squared_error(context, x, target) == Approx(13.0 / 3).epsilon(1e-15));
  const auto d = ops::mean_squared_error_backward(context, x, target, 0.5);
  CHECK(d.data()[1] == Approx(2.0 / 3).epsilon(1e-15));
  CHECK_THROWS_AS(ops::mean_squared_error(context, x, Tensor<double>({3})), ligase::Error);
  CHECK(ops::mean_squared_error(context, Tensor<double>({0, 1}), Tensor<double>({0, 1})) == 0);
}

TEST_CASE("binary cross-entropy of logits") {
  Context<> context;
  const std::vector<double> a{0, 3, -800, 800}, b{0.25, 1, 1, 1};
  const auto x = Tensor<double>::from({4}, a), target = Tensor<double>::from({4}, b);
  CHECK(ops::binary_cross_entropy(context, x, target) ==
        Approx((std::log(2.0) + std::log1p(std::exp(-3.0)) + 800) / 4).epsilon(1e-15));
  const auto d = ops::binary_cross_entropy_backward(context, x, target, 4);
  CHECK(d.data()[0] == Approx(0.25).epsilon(1e-15));
  CHECK(d.data()[2] == Approx(-1).epsilon(1e-15));
  CHECK(d.data()[3] == Approx(0).epsilon(1e-15));
}
