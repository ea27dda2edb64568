#include <doctest/doctest.h>

#include <ligase/io/dtype.hpp>

#include <cmath>
#include <limits>
#include <string>

using namespace ligase;

TEST_CASE("element types have the names and sizes of safetensors") {
  const std::pair<const char*, Index> rows[] = {{"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1},
                                                {"I16", 2},  {"U16", 2}, {"F16", 2}, {"BF16", 2},    {"I32", 4},
                                                {"U32", 4},  {"F32", 4}, {"F64", 8}, {"I64", 8},     {"U64", 8}};
  for (const auto& [name, bytes] : rows) {
    const auto d = dtype_from_name(name);
    REQUIRE(d.has_value());
    CHECK(dtype_name(*d) == name);
    CHECK(dtype_bytes(*d) == bytes);
  }
  CHECK_FALSE(dtype_from_name("f32"));
  CHECK_FALSE(dtype_from_name(""));
  CHECK(dtype_of<float>() == DType::F32);
  CHECK(dtype_of<std::int64_t>() == DType::I64);
  CHECK(dtype_of<long long>() == DType::I64);
  CHECK(dtype_of<std::uint16_t>() == DType::U16);
}

TEST_CASE("every binary16 value becomes the float of its definition") {
  for (unsigned h = 0; h < 0x10000; ++h) {
    const int exponent = static_cast<int>(h >> 10 & 31), fraction = static_cast<int>(h & 1023);
    const double sign = h >> 15 ? -1 : 1;
    const float found = half_to_float(static_cast<std::uint16_t>(h));
    if (exponent == 31 && fraction != 0) {
      CHECK(std::isnan(found));
      continue;
    }
    const double expected = exponent == 31  ? sign * std::numeric_limits<double>::infinity()
                            : exponent == 0 ? sign * std::ldexp(fraction, -24)
                                            : sign * std::ldexp(1024 + fraction, exponent - 25);
    if (static_cast<double>(found) != expected || std::signbit(found) != (h >> 15 != 0)) CHECK(h == 0x10000);
  }
  CHECK(half_to_float(0x3C00) == 1.0F);
  CHECK(half_to_float(0xC000) == -2.0F);
  CHECK(half_to_float(0x7BFF) == 65504.0F);
}

TEST_CASE("bfloat16 is the upper half of a float") {
  CHECK(bfloat16_to_float(0x3F80) == 1.0F);
  CHECK(bfloat16_to_float(0xC049) == -3.140625F);
  CHECK(bfloat16_to_float(0x0001) == std::ldexp(1.0F, -133));
  CHECK(std::isinf(bfloat16_to_float(0x7F80)));
  CHECK(std::isnan(bfloat16_to_float(0x7FC0)));
}
