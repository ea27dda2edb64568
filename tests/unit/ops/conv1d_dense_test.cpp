#include <ligase/ops/conv1d_dense.hpp>
#include <ligase/ops/embedding.hpp>
#include <ligase/ops/max_pool.hpp>
#include <ligase/ops/relu.hpp>
#include <ligase/ops/token_conv1d.hpp>
#include <ligase/ops/transpose.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <vector>

using namespace ligase;

namespace {

using X = Tensor<double>;

X values(Shape shape, std::vector<double> v) { return X::from(shape, v); }

std::vector<double> list(const X& x) { return {x.data(), x.data() + x.count()}; }

template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    CHECK(e.kind() == ErrorKind::shape);
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("conv1d_dense: values that were worked out by hand") {
  Context<> context;
  const X x = values({1, 3, 2}, {1, 2, 3, 4, 5, 6}), weight = values({2, 2, 2}, {1, 10, 100, 1000, -1, 0, 0, 1});
  const X bias = values({2}, {0.5, -0.5});
  // y[t, 0] = x[t, 0] + 10 x[t + 1, 0] + 100 x[t, 1] + 1000 x[t + 1, 1] + 0.5
  CHECK(list(ops::conv1d_dense(context, x, weight, bias)) == std::vector<double>{4231.5, 2.5, 6453.5, 2.5});
  X dweight = X::zeros(weight.shape()), dbias = X::zeros(bias.shape());
  const X dx = ops::conv1d_dense_backward(context, values({1, 2, 2}, {1, 0, 2, 0}), x, weight, dweight, dbias);
  CHECK(list(dx) == std::vector<double>{1, 100, 12, 1200, 20, 2000});
  CHECK(list(dweight) == std::vector<double>{7, 13, 10, 16, 0, 0, 0, 0});
  CHECK(list(dbias) == std::vector<double>{3, 0});
  CHECK(message_of([&] {
          ops::conv1d_dense(context, values({1, 1, 2}, {1, 2}), weight, bias);
        }) ==
        "conv1d_dense: input does not fit the weight [2, 2, 2]; expected [B, L, C] with L of at least K, found [1, 1, "
        "2]");
}

TEST_CASE("token_conv1d is conv1d_dense of the embedded ids") {
  Context<> context;
  const RandomStream random{3, 0, 0};
  X embedding({12, 100}), weight({16, 100, 8}), bias({16});
  std::uint64_t e = 0;
  for (X* t : {&embedding, &weight, &bias})
    for (double& v : t->span()) v = random.normal(e++);
  Tensor<std::int32_t> ids({3, 41});
  for (std::int32_t& id : ids.span()) id = static_cast<std::int32_t>(random.below(e++, 12));
  const X found = ops::token_conv1d(context, ids, embedding, weight, bias);
  const X expected = ops::conv1d_dense(context, ops::embedding(context, ids, embedding), weight, bias);
  REQUIRE(found.shape() == expected.shape());
  for (Index i = 0; i < found.count(); ++i)
    CHECK(found.data()[i] == doctest::Approx(expected.data()[i]).epsilon(1e-12));

  ids.data()[45] = 12;
  CHECK_THROWS_WITH_AS(ops::token_conv1d(context, ids, embedding, weight, bias),
                       "token_conv1d: id out of range at [1, 4]; expected 0 to 11, found 12", Error);
}

TEST_CASE("max_pool: the rest is left out, the first of equals gets the gradient, a NaN wins") {
  Context<> context;
  for (const Index window : {2, 5}) CHECK(ops::max_pool(context, X::zeros({1, 5, 3}), window).size(1) == 5 / window);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const X x = values({1, 5, 2}, {1, 7, 1, 3, -4, -2, -3, -5, 9, 9});
  CHECK(list(ops::max_pool(context, x, 2)) == std::vector<double>{1, 7, -3, -2});
  CHECK(list(ops::max_pool_backward(context, values({1, 2, 2}, {1, 2, 3, 4}), x, 2)) ==
        std::vector<double>{1, 2, 0, 0, 0, 4, 3, 0, 0, 0});
  const X with_nan = ops::max_pool(context, values({1, 2, 1}, {1, nan}), 2);
  CHECK(with_nan.data()[0] != with_nan.data()[0]);
  CHECK(message_of([&] { ops::max_pool(context, x, 6); }) ==
        "max_pool; expected [B, L, C] with L of at least 6, found [1, 5, 2]");
}

TEST_CASE("relu and transpose") {
  Context<> context;
  const X x = values({1, 2, 3}, {-1, 0, 2, 3, -4, 5});
  CHECK(list(ops::relu(context, x)) == std::vector<double>{0, 0, 2, 3, 0, 5});
  CHECK(list(ops::relu_backward(context, values({1, 2, 3}, {1, 1, 1, 1, 1, 1}), x)) ==
        std::vector<double>{0, 0, 1, 1, 0, 1});
  CHECK(list(ops::transpose(context, x)) == std::vector<double>{-1, 3, 0, -4, 2, 5});
  CHECK(message_of([&] {
          ops::transpose(context, values({2}, {1, 2}));
        }) == "transpose; expected [B, L, C], found [2]");
}
