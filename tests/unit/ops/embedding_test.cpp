#include <ligase/ops/embedding.hpp>

#include <doctest/doctest.h>

#include <vector>

using ligase::Context;
using ligase::Error;
using ligase::Index;
using ligase::Tensor;
namespace ops = ligase::ops;

namespace {
const std::vector<float> table{0, 1, 10, 11, 20, 21};
const std::vector<std::int32_t> ids{2, 0, 2, 2};
}  // namespace

TEST_CASE("rows are looked up, and gradients of equal ids add up") {
  Context<> context;
  const auto weight = Tensor<float>::from({3, 2}, table);
  const auto tokens = Tensor<std::int32_t>::from({2, 2}, ids);
  const auto y = ops::embedding(context, tokens, weight);
  CHECK(y.shape() == ligase::Shape{2, 2, 2});
  CHECK(std::vector<float>(y.data(), y.data() + 8) == std::vector<float>{20, 21, 0, 1, 20, 21, 20, 21});
  auto gradient = weight.clone();
  ops::embedding_backward(context, y, tokens, gradient);
  CHECK(std::vector<float>(gradient.data(), gradient.data() + 6) == std::vector<float>{0, 2, 10, 11, 80, 84});
  Tensor<float> frozen;
  ops::embedding_backward(context, y, tokens, frozen);
  CHECK(frozen.empty());
}

TEST_CASE("many tokens: the gradient is the count of each id") {
  constexpr Index tokens = 5000, vocabulary = 7, width = 130;
  Context<> context;
  Tensor<std::int32_t> many({1, tokens});
  std::vector<double> count(vocabulary, 0);
  for (Index i = 0; i < tokens; ++i) {
    many.data()[i] = static_cast<std::int32_t>(i * i % vocabulary);
    count[static_cast<std::size_t>(i * i % vocabulary)] += 1;
  }
  Tensor<double> dy({1, tokens, width});
  for (double& v : dy.span()) v = 1;
  auto gradient = Tensor<double>::zeros({vocabulary, width});
  ops::embedding_backward(context, dy, many, gradient);
  for (Index i = 0; i < gradient.count(); ++i) CHECK(gradient.data()[i] == count[static_cast<std::size_t>(i / width)]);
}

TEST_CASE("an id out of range is named with its position") {
  Context<> context;
  const auto weight = Tensor<float>::from({3, 2}, table);
  std::vector<std::int32_t> bad = ids;
  bad[3] = 3;
  CHECK_THROWS_WITH_AS(ops::embedding(context, Tensor<std::int32_t>::from({2, 2}, bad), weight),
                       "embedding: id out of range at [1, 1]; expected 0 to 2, found 3", Error);
  bad[1] = -1;
  CHECK_THROWS_WITH_AS(ops::embedding(context, Tensor<std::int32_t>::from({2, 2}, bad), weight),
                       "embedding: id out of range at [0, 1]; expected 0 to 2, found -1", Error);
}

TEST_CASE("shapes are computed without data") {
  Context<ligase::meta> context;
  const Tensor<float, ligase::meta> weight({16, 256});
  CHECK(ops::embedding(context, Tensor<std::int32_t, ligase::meta>({2, 131072}), weight).shape() ==
        ligase::Shape{2, 131072, 256});
}
