#pragma once

#include <ligase/core/math.hpp>
#include <ligase/core/platform.hpp>

#include <cmath>

/// Elementary functions of the kernels: in float by the special function unit (16 results per clock and multiprocessor), in
/// double by the library. On the host the same formulas, with exact exponentials and quotients.
namespace ligase::inline LIGASE_ISA::kernels {

/// 2^x. Float: ex2.approx, relative error 2^-22.
__device__ __forceinline__ float exp2_approx(float x) {
#if defined(__CUDA_ARCH__)
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#else
  return std::exp2(x);
#endif
}
__device__ __forceinline__ double exp2_approx(double x) { return std::exp2(x); }

/// 1 / x. Float: rcp.approx, one unit in the last place.
__device__ __forceinline__ float reciprocal_approx(float x) {
#if defined(__CUDA_ARCH__)
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#else
  return 1.0f / x;
#endif
}
__device__ __forceinline__ double reciprocal_approx(double x) { return 1.0 / x; }

template <class W>
inline constexpr W log2_of_e = W(1.4426950408889634074);
template <class W>
inline constexpr W log_of_2 = W(0.69314718055994530942);

template <class W>
__device__ __forceinline__ W sigmoid_approx(W x) {
  return reciprocal_approx(W(1) + exp2_approx(-log2_of_e<W> * x));
}
/// x sigmoid(x) and its derivative.
template <class W>
__device__ __forceinline__ W silu_approx(W x) {
  return x * sigmoid_approx(x);
}
template <class W>
__device__ __forceinline__ W silu_slope_approx(W x) {
  const W s = sigmoid_approx(x);
  return s * math::fma(x, W(1) - s, W(1));
}

/// ln(1 + e) for e in [0, 1] as 2 atanh(e / (2 + e)): a series in s^2 <= 1/9 whose last coefficient stands for the rest;
/// relative error below 2e-7 also where e is small.
__device__ __forceinline__ float log1p_approx(float e) {
  const float s = e * reciprocal_approx(2.0f + e), q = s * s;
  float p = 0.0985f;
  p = math::fma(p, q, 0.111111111f);
  p = math::fma(p, q, 0.142857143f);
  p = math::fma(p, q, 0.2f);
  p = math::fma(p, q, 0.333333333f);
  p = math::fma(p, q, 1.0f);
  return 2.0f * s * p;
}

/// ln(1 + e^x), the identity above 20, and its derivative. In float both are that above 20 by rounding.
__device__ __forceinline__ float softplus_approx(float x, float& slope) {
  const float e = exp2_approx(-log2_of_e<float> * std::fabs(x)), r = reciprocal_approx(1.0f + e);
  slope = x < 0.0f ? e * r : r;
  return std::fmax(x, 0.0f) + log1p_approx(e);
}
__device__ __forceinline__ double softplus_approx(double x, double& slope) {
  const double e = std::exp(-std::fabs(x)), r = 1.0 / (1.0 + e);
  slope = x > 20.0 ? 1.0 : x < 0.0 ? e * r : r;
  return x > 20.0 ? x : std::fmax(x, 0.0) + std::log1p(e);
}

}  // namespace ligase::inline LIGASE_ISA::kernels
