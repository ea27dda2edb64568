#include <ligase/core/random.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <vector>

using ligase::philox;
using ligase::RandomStream;
using ligase::RandomWords;

namespace {
bool equal(const RandomWords& found, std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return found.word[0] == a && found.word[1] == b && found.word[2] == c && found.word[3] == d;
}
}  // namespace

// kat_vectors of Random123 (Salmon et al.): philox 4x32, 10 rounds; counter and key as little-endian words.
TEST_CASE("philox gives the known answers of Random123") {
  CHECK(equal(philox(0, 0, 0), 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u));
  CHECK(equal(philox(~0ULL, ~0ULL, ~0ULL), 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu));
  CHECK(equal(philox(0x85a308d3243f6a88ULL, 0x0370734413198a2eULL, 0x299f31d0a4093822ULL), 0xd16cfe09u, 0x94fdccebu,
              0x5001e420u, 0x24126ea1u));
}

TEST_CASE("splitmix64 and FNV-1a give their published values") {
  CHECK(ligase::splitmix64(0) == 0xE220A8397B1DCDAFULL);
  CHECK(ligase::hash_name("") == 0xCBF29CE484222325ULL);
  CHECK(ligase::hash_name("a") == 0xAF63DC4C8601EC8CULL);
  CHECK(ligase::hash_name("foobar") == 0x85944171F73967E8ULL);
}

TEST_CASE("a random value depends on seed, step, place and element, and on nothing else") {
  const RandomStream stream{.seed = 1, .step = 2, .place = 3};
  CHECK(stream.bits(4) == RandomStream{1, 2, 3}.bits(4));
  CHECK(stream.bits(4) != RandomStream{2, 2, 3}.bits(4));
  CHECK(stream.bits(4) != RandomStream{1, 3, 3}.bits(4));
  CHECK(stream.bits(4) != stream.at(4).bits(4));
  CHECK(stream.bits(4) != stream.bits(5));
  CHECK(stream.at(9).bits(4) == RandomStream{1, 2, 9}.bits(4));
}

// Bounds are five standard deviations of the statistic under the null hypothesis; the stream is fixed.
TEST_CASE("uniform, below and normal have the moments of their distributions") {
  const RandomStream stream{.seed = 42, .step = 0, .place = 7};
  constexpr int n = 100000;
  double sum = 0, least = 1, most = 0, normal_sum = 0, normal_squares = 0, normal_fourth = 0;
  std::vector<int> counts(5);
  for (std::uint64_t i = 0; i < n; ++i) {
    const double u = stream.uniform(i), z = stream.normal(i);
    sum += u;
    least = std::fmin(least, u);
    most = std::fmax(most, u);
    normal_sum += z;
    normal_squares += z * z;
    normal_fourth += z * z * z * z;
    ++counts[stream.below(i, 5)];
  }
  CHECK(least >= 0);
  CHECK(most < 1);
  CHECK(std::abs(sum / n - 0.5) < 5 * std::sqrt(1.0 / 12 / n));
  CHECK(std::abs(normal_sum / n) < 5 / std::sqrt(n));
  CHECK(std::abs(normal_squares / n - 1) < 5 * std::sqrt(2.0 / n));
  CHECK(std::abs(normal_fourth / n - 3) < 5 * std::sqrt(96.0 / n));
  for (const int count : counts) CHECK(std::abs(count - n / 5) < 5 * std::sqrt(n * 0.2 * 0.8));
}

TEST_CASE("below never reaches its bound") {
  const RandomStream stream{.seed = 3};
  for (std::uint64_t i = 0; i < 1000; ++i) {
    CHECK(stream.below(i, 1) == 0);
    CHECK(stream.below(i, 3) < 3);
  }
}
