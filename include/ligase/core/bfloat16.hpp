#pragma once

#include <ligase/core/platform.hpp>

#include <type_traits>

namespace ligase::inline LIGASE_ISA {

/// bfloat16: the upper half of a float. Stored and moved only; arithmetic happens in float, into which it converts by itself.
/// A float becomes the nearest bfloat16, ties to even; NaN stays NaN.
struct bfloat16 {
  std::uint16_t bits;

  bfloat16() = default;
  LIGASE_HD bfloat16(float x) : bits(rounded(x)) {}
  LIGASE_HD explicit bfloat16(double x) : bfloat16(static_cast<float>(x)) {}
  LIGASE_HD explicit bfloat16(int x) : bfloat16(static_cast<float>(x)) {}
  LIGASE_HD operator float() const { return __builtin_bit_cast(float, static_cast<std::uint32_t>(bits) << 16); }

 private:
  static LIGASE_HD std::uint16_t rounded(float x) {
    const auto u = __builtin_bit_cast(std::uint32_t, x);
    if (x != x) return static_cast<std::uint16_t>((u >> 16) | 0x40u);
    return static_cast<std::uint16_t>((u + 0x7FFFu + ((u >> 16) & 1u)) >> 16);
  }
};

/// What sums, weights and states that belong to activations of type T are held in: float for bfloat16, else T.
template <class T>
using wide_t = std::conditional_t<std::is_same_v<T, bfloat16>, float, T>;

}  // namespace ligase::inline LIGASE_ISA
