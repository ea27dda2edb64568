#include <ligase/core/shape.hpp>

#include <doctest/doctest.h>

#include <limits>

using ligase::Error;
using ligase::ErrorKind;
using ligase::Index;
using ligase::Shape;

TEST_CASE("a shape knows its sizes, from both ends") {
  const Shape shape{2, 48, 32};
  CHECK(shape.rank() == 3);
  CHECK(shape.count() == 3072);
  CHECK(shape[0] == 2);
  CHECK(shape[-1] == 32);
  CHECK(shape[-3] == 2);
  CHECK(shape.text() == "[2, 48, 32]");
}

TEST_CASE("a shape without dimensions holds one element, one with a zero none") {
  CHECK(Shape{}.count() == 1);
  CHECK(Shape{}.text() == "[]");
  CHECK(Shape{4, 0, 3}.count() == 0);
}

TEST_CASE("equality compares rank and sizes") {
  CHECK(Shape{2, 3} == Shape{2, 3});
  CHECK_FALSE(Shape{2, 3} == Shape{3, 2});
  CHECK_FALSE(Shape{2, 3} == Shape{2, 3, 1});
}

TEST_CASE("negative sizes, too many dimensions and overflow are refused") {
  constexpr Index large = Index{1} << 32;
  CHECK_THROWS_WITH_AS((Shape{2, -1}), "negative size; found -1", Error);
  CHECK_THROWS_WITH_AS((Shape{1, 1, 1, 1, 1, 1, 1}), "too many dimensions; expected at most 6", Error);
  CHECK_THROWS_WITH_AS((Shape{large, large}), "shape is larger than 2^63 elements; found [4294967296, 4294967296]",
                       Error);
  CHECK((Shape{std::numeric_limits<Index>::max(), 1}).count() == std::numeric_limits<Index>::max());
}

TEST_CASE("check_shape names the place and both shapes") {
  CHECK_NOTHROW(ligase::check_shape("linear", {2, 3}, {2, 3}));
  try {
    ligase::check_shape("linear: x", {2, 3}, {2, 4});
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::shape);
    CHECK(std::string(error.what()) == "linear: x: shapes do not fit; expected [2, 3], found [2, 4]");
  }
}
