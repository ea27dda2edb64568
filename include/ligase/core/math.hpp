#pragma once

#include <ligase/core/platform.hpp>

#include <cmath>

namespace ligase::inline LIGASE_ISA::math {

/// a * b + c with one rounding where the instruction set has it, two elsewhere; never a library call.
template <class T>
LIGASE_HD inline T fma(T a, T b, T c) {
#if defined(__FMA__) || defined(__CUDA_ARCH__)
  return std::fma(a, b, c);
#else
  return a * b + c;
#endif
}

/// e^x without branches, so that compilers vectorise loops over it. Float: 2^round(x log2 e) times a polynomial of degree 6
/// (relative error below 1.2e-7); arguments are clamped to [-87.3, 88.37]. Double: the library's.
LIGASE_HD inline float exp(float x) {
  x = x < -87.3f ? -87.3f : x;
  x = x > 88.37f ? 88.37f : x;
  const float shifted = fma(x, 1.44269504088896341f, 12582912.0f);  // 1.5 * 2^23: rounds to an integer
  const float n = shifted - 12582912.0f;
  const float r = fma(n, -1.42860677e-6f, fma(n, -0.693145752f, x));
  float p = 1.3981999e-3f;
  p = fma(p, r, 8.3729e-3f);
  p = fma(p, r, 4.1665e-2f);
  p = fma(p, r, 1.66664720e-1f);
  p = fma(p, r, 0.5f);
  p = fma(p * r, r, r) + 1.0f;
  return p * __builtin_bit_cast(float, (__builtin_bit_cast(std::int32_t, shifted) + 127 - 0x4B400000) << 23);
}
LIGASE_HD inline double exp(double x) { return std::exp(x); }

/// ln(x), x a positive normal number or NaN. Float: atanh series on [sqrt(1/2), sqrt(2)].
LIGASE_HD inline float log(float x) {
  const auto bits = __builtin_bit_cast(std::int32_t, x);
  const std::int32_t e = (bits - 0x3F3504F3) >> 23;
  const float m = __builtin_bit_cast(float, bits - (e << 23));
  const float f = m - 1.0f, s = f / (2.0f + f), q = s * s;
  float p = 0.2392f;
  p = fma(p, q, 0.28498f);
  p = fma(p, q, 0.40000972f);
  p = fma(p, q, 0.66666663f);
  const float hfsq = 0.5f * f * f;
  const float r = s * fma(p, q, hfsq);
  const auto ef = static_cast<float>(e);
  const float y = fma(ef, 0.693145752f, f - (hfsq - (r + ef * 1.42860677e-6f)));
  return x == x ? y : x;
}
LIGASE_HD inline double log(double x) { return std::log(x); }

/// Logistic function 1 / (1 + e^-x).
template <class T>
LIGASE_HD inline T sigmoid(T x) {
  return T(1) / (T(1) + exp(-x));
}

/// ln(1 + e^x); the identity above 20, as torch.nn.functional.softplus.
LIGASE_HD inline float softplus(float x) {
  const float e = exp(x > 20.0f ? 20.0f : x), u = 1.0f + e;
  const float y = log(u) + (e - (u - 1.0f)) / u;  // the second term gives back what 1 + e lost
  return x > 20.0f ? x : y;
}
LIGASE_HD inline double softplus(double x) { return x > 20.0 ? x : std::log1p(std::exp(x)); }

}  // namespace ligase::inline LIGASE_ISA::math
