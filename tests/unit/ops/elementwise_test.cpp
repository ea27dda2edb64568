#include <ligase/ops/elementwise.hpp>

#include <doctest/doctest.h>

#include <vector>

using ligase::Context;
using ligase::Error;
using ligase::Tensor;
namespace ops = ligase::ops;

TEST_CASE("sums, products and their gradients") {
  Context<> context;
  const std::vector<float> two{2, -3}, five{5, 7}, ones{1, 10};
  const auto a = Tensor<float>::from({1, 2}, two), b = Tensor<float>::from({1, 2}, five);
  CHECK(ops::add(context, a, b).data()[1] == 4);
  CHECK(ops::mul(context, a, b).data()[1] == -21);
  CHECK(ops::scale(context, a, 0.5).data()[1] == -1.5f);
  const auto [da, db] = ops::mul_backward(context, Tensor<float>::from({1, 2}, ones), a, b);
  CHECK(da.data()[1] == 70);
  CHECK(db.data()[1] == -30);
  auto sum = a.clone();
  ops::accumulate(context, sum, b);
  CHECK(sum.data()[0] == 7);
  CHECK(a.data()[0] == 2);
}

TEST_CASE("shapes have to be equal") {
  Context<ligase::meta> context;
  const Tensor<float, ligase::meta> a({2, 3}), b({3, 2});
  CHECK_THROWS_WITH_AS(ops::add(context, a, b), "add: shapes do not fit; expected [2, 3], found [3, 2]", Error);
  CHECK_THROWS_WITH_AS(ops::mul(context, a, b), "mul: shapes do not fit; expected [2, 3], found [3, 2]", Error);
}
