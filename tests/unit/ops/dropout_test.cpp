#include <ligase/ops/dropout.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using ligase::Context;
using ligase::Index;
using ligase::Tensor;
namespace ops = ligase::ops;

namespace {
Tensor<float> ones(Index n) {
  Tensor<float> x({1, n});
  for (float& v : x.span()) v = 1;
  return x;
}
std::vector<float> values(const Tensor<float>& x) { return {x.data(), x.data() + x.count()}; }
}  // namespace

TEST_CASE("inference and probability 0 change nothing") {
  Context<> context;
  const auto x = ones(10);
  CHECK(ops::dropout(context, x, 0.5, 1).data() == x.data());
  context.training = true;
  CHECK(ops::dropout(context, x, 0, 1).data() == x.data());
}

TEST_CASE("the share of dropped elements, and the scale of the others") {
  constexpr Index n = 100003;
  Context<> context;
  context.training = true;
  const auto y = ops::dropout(context, ones(n), 0.1, 1);
  Index dropped = 0;
  for (float v : y.span()) {
    CHECK((v == 0 || v == 1 / 0.9f));
    dropped += v == 0;
  }
  // Five standard deviations of a binomial count.
  CHECK(std::abs(static_cast<double>(dropped) - 0.1 * n) < 5 * std::sqrt(0.09 * n));
  const auto none = ops::dropout(context, ones(n), 1, 1);
  for (float v : none.span()) CHECK(v == 0);
}

TEST_CASE("the mask depends on seed, step and place, and comes back in the backward pass") {
  Context<> context;
  context.training = true;
  const auto x = ones(1000);
  const auto y = values(ops::dropout(context, x, 0.5, 1));
  CHECK(values(ops::dropout_backward(context, x, 0.5, 1)) == y);
  CHECK(values(ops::dropout(context, x, 0.5, 2)) != y);
  context.random.step = 1;
  CHECK(values(ops::dropout(context, x, 0.5, 1)) != y);
  context.random = {1, 0, 0};
  CHECK(values(ops::dropout(context, x, 0.5, 1)) != y);
}

TEST_CASE("probabilities are checked") {
  Context<> context;
  CHECK_THROWS_WITH_AS(ops::dropout(context, ones(4), 1.5, 1),
                       "dropout probability out of range; expected 0 to 1, found 1.500000", ligase::Error);
  CHECK_THROWS_AS(ops::dropout(context, ones(4), std::nan(""), 1), ligase::Error);
}
