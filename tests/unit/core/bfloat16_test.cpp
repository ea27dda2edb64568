#include <ligase/core/bfloat16.hpp>
#include <ligase/core/precision.hpp>

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <type_traits>

using ligase::bfloat16;

namespace {

bfloat16 of_bits(unsigned bits) {
  bfloat16 x;
  x.bits = static_cast<std::uint16_t>(bits);
  return x;
}
/// Sign, exponent and fraction put together by hand; the pattern of infinity counts as 2^128.
double value_of(unsigned bits) {
  const int exponent = static_cast<int>(bits >> 7 & 0xFF), fraction = static_cast<int>(bits & 0x7F);
  const double size = exponent == 0 ? std::ldexp(fraction, -133) : std::ldexp(128 + fraction, exponent - 134);
  return bits >> 15 ? -size : size;
}
/// The pattern of those below and above |x| that is nearer, even ones at equal distance; by search, in double.
unsigned nearest(float x) {
  const double size = std::abs(static_cast<double>(x));
  unsigned low = 0, high = 0x7F80;
  while (high - low > 1) {
    const unsigned middle = (low + high) / 2;
    (value_of(middle) <= size ? low : high) = middle;
  }
  const double to_low = size - value_of(low), to_high = value_of(high) - size;
  const bool up = to_high < to_low || (to_high == to_low && low % 2 == 1);
  return (std::signbit(x) ? 0x8000u : 0u) | (up ? high : low);
}

}  // namespace

TEST_CASE("every pattern converts to float and back") {
  int wrong = 0;
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    const float x = of_bits(bits);
    const bool is_nan = (bits & 0x7FFF) > 0x7F80;
    if (is_nan)
      wrong += !(std::isnan(x) && std::isnan(static_cast<float>(bfloat16(x))) && std::signbit(x) == (bits >> 15 != 0));
    else
      wrong += !(bfloat16(x).bits == bits && ((bits & 0x7FFF) == 0x7F80 ? std::isinf(x) : x == value_of(bits)));
  }
  CHECK(wrong == 0);
}

TEST_CASE("a float becomes the nearest, ties to even") {
  int wrong = 0;
  const auto check = [&](float x) { wrong += bfloat16(x).bits != nearest(x); };
  for (unsigned bits = 0; bits < 0x7F80; ++bits)
    for (const unsigned sign : {0u, 0x8000u}) {
      const auto above = [&](std::uint32_t low) { return std::bit_cast<float>((sign | bits) << 16 | low); };
      // The middle, its neighbours, those of the pattern itself, and places in between.
      for (const std::uint32_t low : {0x0000u, 0x0001u, 0x1234u, 0x7FFFu, 0x8000u, 0x8001u, 0xC0DEu, 0xFFFFu})
        check(above(low));
    }
  CHECK(wrong == 0);
  CHECK(bfloat16(1.0f + 0x1p-8f).bits == 0x3F80);      // the middle above an even pattern
  CHECK(bfloat16(1.0f + 3 * 0x1p-8f).bits == 0x3F82);  // and above an odd one
  CHECK(bfloat16(std::numeric_limits<float>::max()).bits == 0x7F80);
  CHECK(bfloat16(0x1p-134f).bits == 0);  // half the least subnormal
  CHECK(bfloat16(std::nextafter(0x1p-134f, 1.0f)).bits == 1);
  CHECK(bfloat16(-0.0f).bits == 0x8000);
}

TEST_CASE("infinity and what is no number stay so") {
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(bfloat16(infinity).bits == 0x7F80);
  CHECK(bfloat16(-infinity).bits == 0xFF80);
  // The payload of the last lies wholly in the half that is cut off.
  for (const std::uint32_t bits : {0x7FC00000u, 0xFFC00000u, 0x7FFFFFFFu, 0xFFFFFFFFu, 0x7F800001u, 0xFF800001u}) {
    const float x = bfloat16(std::bit_cast<float>(bits));
    CHECK(std::isnan(x));
    CHECK(std::signbit(x) == (bits >> 31 != 0));
  }
}

TEST_CASE("arithmetic happens in float, stores round") {
  const bfloat16 a(1.5f), b(2.0);
  static_assert(std::is_same_v<decltype(a + b), float> && std::is_same_v<decltype(a * 1.0f), float>);
  static_assert(sizeof(bfloat16) == 2 && std::is_trivially_copyable_v<bfloat16>);
  CHECK(a * b == 3.0f);
  CHECK(bfloat16{}.bits == 0);
  CHECK(bfloat16(-3).bits == 0xC040);
  const bfloat16 sum = a + 0x1p-9f;
  CHECK(sum.bits == a.bits);
}

TEST_CASE("weights and sums of bfloat16 are float, of other types their own") {
  static_assert(std::is_same_v<ligase::wide_t<bfloat16>, float> && std::is_same_v<ligase::wide_t<float>, float> &&
                std::is_same_v<ligase::wide_t<double>, double>);
  static_assert(std::is_same_v<ligase::bf16::Activation, bfloat16> && std::is_same_v<ligase::bf16::Weight, float> &&
                std::is_same_v<ligase::bf16::State, float>);
}
