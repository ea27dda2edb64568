#include <ligase/ops/strands.hpp>

#include <doctest/doctest.h>

#include <numeric>
#include <vector>

using ligase::Context;
using ligase::Error;
using ligase::Index;
using ligase::Tensor;
namespace ops = ligase::ops;

namespace {
/// 0, 1, 2, ...
Tensor<double> counting(ligase::Shape shape) {
  Tensor<double> x(shape);
  std::iota(x.span().begin(), x.span().end(), 0.0);
  return x;
}
std::vector<double> values(const Tensor<double>& x) { return {x.data(), x.data() + x.count()}; }
std::vector<std::int32_t> values(const Tensor<std::int32_t>& x) { return {x.data(), x.data() + x.count()}; }

const std::vector<std::int32_t> complement{3, 2, 1, 0, 4};  // A C G T N
}  // namespace

TEST_CASE("the strands exchange views") {
  Context<> context;
  const auto x = counting({2, 2, 3});
  const auto y = ops::exchange_strands(context, x);
  CHECK(values(y) == std::vector<double>{11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0});
  CHECK(values(ops::exchange_strands(context, y)) == values(x));
  CHECK_THROWS_WITH_AS(ops::exchange_strands(context, counting({3, 2, 3})),
                       "exchange_strands: not a tensor of two strands; expected [2 B, L, D], found [3, 2, 3]", Error);
}

TEST_CASE("length and channels are reversed apart") {
  Context<> context;
  const auto x = counting({1, 2, 3});
  CHECK(values(ops::reverse(context, x, true, false)) == std::vector<double>{3, 4, 5, 0, 1, 2});
  CHECK(values(ops::reverse(context, x, false, true)) == std::vector<double>{2, 1, 0, 5, 4, 3});
  CHECK(values(ops::reverse(context, x, false, false)) == values(x));
}

TEST_CASE("ids are reverse-complemented") {
  Context<> context;
  const auto map = Tensor<std::int32_t>::from({5}, complement);
  const std::vector<std::int32_t> acgn{0, 1, 2, 4, 0, 0, 4, 3};
  const auto tokens = Tensor<std::int32_t>::from({2, 4}, acgn);
  const std::vector<std::int32_t> expected{4, 1, 2, 3, 0, 4, 3, 3};
  CHECK(values(ops::complement_ids(context, tokens, map)) == expected);
  std::vector<std::int32_t> both = acgn;
  both.insert(both.end(), expected.begin(), expected.end());
  CHECK(values(ops::both_strands(context, tokens, map)) == both);
  const std::vector<std::int32_t> bad{0, 5};
  CHECK_THROWS_WITH_AS(ops::both_strands(context, Tensor<std::int32_t>::from({1, 2}, bad), map),
                       "both_strands: id out of range at [0, 1]; expected 0 to 4, found 5", Error);
}

TEST_CASE("joined logits are equivariant to the last bit") {
  Context<> context;
  const auto map = Tensor<std::int32_t>::from({5}, complement);
  Tensor<double> x({2, 3, 5});
  for (Index i = 0; i < x.count(); ++i) x.data()[i] = 1.0 / static_cast<double>(i + 3);
  const auto y = ops::join_strand_logits(context, x, map);
  CHECK(y.data()[1 * 5 + 0] == x.data()[1 * 5 + 0] + x.data()[(3 + 1) * 5 + 3]);
  CHECK(y.data()[0 * 5 + 4] == x.data()[0 * 5 + 4] + x.data()[(3 + 2) * 5 + 4]);
  Tensor<double> swapped({2, 3, 5});
  std::copy(x.data(), x.data() + 15, swapped.data() + 15);
  std::copy(x.data() + 15, x.data() + 30, swapped.data());
  const auto z = ops::join_strand_logits(context, swapped, map);
  for (Index t = 0; t < 3; ++t)
    for (Index v = 0; v < 5; ++v)
      CHECK(z.data()[t * 5 + v] == y.data()[(2 - t) * 5 + complement[static_cast<std::size_t>(v)]]);
  const std::vector<std::int32_t> bad{0, 1, 2, 3, 7};
  CHECK_THROWS_WITH_AS(ops::join_strand_logits(context, x, Tensor<std::int32_t>::from({5}, bad)),
                       "join_strand_logits complement map: id out of range at [4]; expected 0 to 4, found 7", Error);
}

TEST_CASE("halves become channels and come back") {
  Context<> context;
  const auto x = counting({4, 2, 2});
  const auto y = ops::halves_to_channels(context, x);
  CHECK(y.shape() == ligase::Shape{2, 2, 4});
  // Sequence 0: strand 0 holds 0 1 | 2 3, strand 1 holds 8 9 | 10 11.
  CHECK(values(y.slice(0, 1)) == std::vector<double>{0, 1, 11, 10, 2, 3, 9, 8});
  CHECK(values(ops::channels_to_halves(context, y)) == values(x));
  CHECK_THROWS_AS(ops::channels_to_halves(context, counting({2, 2, 3})), Error);
}
