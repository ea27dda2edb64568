#pragma once

#include <ligase/core/platform.hpp>

#include <cmath>
#include <string_view>

namespace ligase::inline LIGASE_ISA {

/// splitmix64 (Steele, Lea & Flood 2014): a bijection of 64-bit integers that scatters neighbours.
LIGASE_HD constexpr std::uint64_t splitmix64(std::uint64_t x) {
  std::uint64_t z = x + 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

/// FNV-1a: a place in a random stream for a name.
constexpr std::uint64_t hash_name(std::string_view name) {
  std::uint64_t h = 0xCBF29CE484222325ULL;
  for (char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return h;
}

/// 128 random bits.
struct RandomWords {
  std::uint32_t word[4];
};

/// Philox4x32-10 (Salmon et al., SC 2011): 128 random bits for a 128-bit counter and a 64-bit key.
LIGASE_HD constexpr RandomWords philox(std::uint64_t low, std::uint64_t high, std::uint64_t key) {
  RandomWords c{{static_cast<std::uint32_t>(low), static_cast<std::uint32_t>(low >> 32),
                 static_cast<std::uint32_t>(high), static_cast<std::uint32_t>(high >> 32)}};
  auto k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = 0xD2511F53ULL * c.word[0], p1 = 0xCD9E8D57ULL * c.word[2];
    c = {{static_cast<std::uint32_t>(p1 >> 32) ^ c.word[1] ^ k0, static_cast<std::uint32_t>(p1),
          static_cast<std::uint32_t>(p0 >> 32) ^ c.word[3] ^ k1, static_cast<std::uint32_t>(p0)}};
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
  return c;
}

/// Counter-based random numbers: a value depends on (seed, step, place, element) alone, never on the order of use, on
/// threads or on the device. `place` names the use: a hash of a parameter's name, or the position of a dropout in the wiring.
struct RandomStream {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
  std::uint64_t place = 0;

  LIGASE_HD constexpr RandomStream at(std::uint64_t new_place) const { return {seed, step, new_place}; }

  LIGASE_HD constexpr RandomWords words(std::uint64_t element) const {
    return philox(element, step, seed ^ splitmix64(place));
  }
  LIGASE_HD constexpr std::uint64_t bits(std::uint64_t element) const {
    const RandomWords w = words(element);
    return (static_cast<std::uint64_t>(w.word[1]) << 32) | w.word[0];
  }
  /// Uniform in [0, 1), a multiple of 2^-53.
  LIGASE_HD constexpr double uniform(std::uint64_t element) const {
    return static_cast<double>(bits(element) >> 11) * 0x1p-53;
  }
  /// Uniform in 0 .. n-1, n < 2^63; the bias is below n / 2^64.
  LIGASE_HD constexpr std::uint64_t below(std::uint64_t element, std::uint64_t n) const {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<Wide>(bits(element)) * n) >> 64);
  }
  /// Standard normal (Box & Muller 1958).
  LIGASE_HD double normal(std::uint64_t element) const {
    const RandomWords w = words(element);
    const double u = (static_cast<double>(w.word[0]) + 0.5) * 0x1p-32, v = static_cast<double>(w.word[1]) * 0x1p-32;
    return std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586476925 * v);
  }
};

}  // namespace ligase::inline LIGASE_ISA
