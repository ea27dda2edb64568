#pragma once

#include <ligase/core/platform.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#if defined(__AVX2__)
// g++ 12 takes the undefined operands of its own AVX-512 intrinsics for a mistake.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

/// Packs of 16 numbers over the compilers' vector extensions. Every lane is computed alike, so a lane's bits depend on the
/// operands of that lane alone.
namespace ligase::inline LIGASE_ISA::simd {

// Packs wider than the machine's registers are passed between inlined functions only.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpsabi"

#define LIGASE_INLINE __attribute__((always_inline)) inline

inline constexpr Index lanes = 16;

// nvcc's front end takes the attribute only outside templates.
typedef float FloatPack __attribute__((vector_size(64)));
typedef double DoublePack __attribute__((vector_size(128)));
typedef std::int32_t FloatBits __attribute__((vector_size(64)));
typedef std::int64_t DoubleBits __attribute__((vector_size(128)));

/// Packs of a number type, and its constants: 1.5 * 2^(mantissa bits), whose addition rounds to an integer; ln 2 in two
/// parts, the first with trailing zeros; limits of exponents; polynomials, highest power first, of (2^f - 1) / f on
/// [-1/2, 1/2] and of (2 atanh(s) / s - 2) / s^2 by s^2 on [0, 1/9].
template <class T>
struct Format;
template <>
struct Format<float> {
  using Pack = FloatPack;
  using Bits = FloatBits;
  static constexpr int mantissa = 23;
  static constexpr float magic = 12582912.0f, ln2_high = 0.693145752f, ln2_low = 1.42860677e-6f;
  static constexpr float smallest = -125, largest = 127;
  static constexpr float exp2[] = {0.00132647541f, 0.00967149809f, 0.0555073358f, 0.240222424f, 0.693147004f};
  static constexpr float atanh[] = {0.280119866f, 0.280018061f, 0.400215268f, 0.666664183f};
};
template <>
struct Format<double> {
  using Pack = DoublePack;
  using Bits = DoubleBits;
  static constexpr int mantissa = 52;
  static constexpr double magic = 6755399441055744.0, ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
  static constexpr double smallest = -1021, largest = 1023;
  // ln(2)^k / k!
  static constexpr double exp2[] = {1.3691488853904128e-12, 2.5678435993488206e-11, 4.4455382718708116e-10,
                                    7.0549116208011234e-09, 1.01780860092397e-07,   1.321548679014431e-06,
                                    1.5252733804059841e-05, 0.00015403530393381609, 0.0013333558146428443,
                                    0.0096181291076284769,  0.055504108664821583,   0.24022650695910072,
                                    0.69314718055994529};
  // 2 / (2 k + 1)
  static constexpr double atanh[] = {2.0 / 35, 2.0 / 33, 2.0 / 31, 2.0 / 29, 2.0 / 27, 2.0 / 25,
                                     2.0 / 23, 2.0 / 21, 2.0 / 19, 2.0 / 17, 2.0 / 15, 2.0 / 13,
                                     2.0 / 11, 2.0 / 9,  2.0 / 7,  2.0 / 5,  2.0 / 3};
};

template <class T>
using Pack = typename Format<T>::Pack;

/// Number type of a pack.
template <class V>
using Lane = std::remove_cvref_t<decltype(std::declval<V&>()[0])>;

template <class T>
LIGASE_INLINE Pack<T> broadcast(T x) {
  return x - Pack<T>{};
}

template <class T>
LIGASE_INLINE Pack<T> load(const T* p) {
  Pack<T> x;
  std::memcpy(&x, p, sizeof x);
  return x;
}
/// The first n lanes, 0 <= n <= 16; zeros after them. Reads nothing beyond.
template <class T>
LIGASE_INLINE Pack<T> load(const T* p, Index n) {
  if (n == lanes) return load(p);
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float>)
    return (FloatPack)_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p);
#endif
  Pack<T> x{};
  std::memcpy(&x, p, static_cast<std::size_t>(n) * sizeof(T));
  return x;
}

template <class T>
LIGASE_INLINE void store(T* p, const Pack<T>& x) {
  std::memcpy(p, &x, sizeof x);
}
/// The first n lanes. Writes nothing beyond.
template <class T>
LIGASE_INLINE void store(T* p, const Pack<T>& x, Index n) {
  if (n == lanes) return store(p, x);
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float>)
    return _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), (__m512)x);
#endif
  std::memcpy(p, &x, static_cast<std::size_t>(n) * sizeof(T));
}

/// a * b + c; one rounding where the instruction set has it, as math::fma.
LIGASE_INLINE FloatPack fma(FloatPack a, FloatPack b, FloatPack c) {
#if defined(__AVX512F__)
  return (FloatPack)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__) && defined(__FMA__)
  __m256 x[2], y[2], z[2];
  std::memcpy(x, &a, sizeof a);
  std::memcpy(y, &b, sizeof b);
  std::memcpy(z, &c, sizeof c);
  for (int i = 0; i < 2; ++i) z[i] = _mm256_fmadd_ps(x[i], y[i], z[i]);
  std::memcpy(&c, z, sizeof c);
  return c;
#else
  return a * b + c;
#endif
}
LIGASE_INLINE DoublePack fma(DoublePack a, DoublePack b, DoublePack c) {
#if defined(__AVX512F__)
  __m512d x[2], y[2], z[2];
  std::memcpy(x, &a, sizeof a);
  std::memcpy(y, &b, sizeof b);
  std::memcpy(z, &c, sizeof c);
  for (int i = 0; i < 2; ++i) z[i] = _mm512_fmadd_pd(x[i], y[i], z[i]);
  std::memcpy(&c, z, sizeof c);
  return c;
#elif defined(__AVX2__) && defined(__FMA__)
  __m256d x[4], y[4], z[4];
  std::memcpy(x, &a, sizeof a);
  std::memcpy(y, &b, sizeof b);
  std::memcpy(z, &c, sizeof c);
  for (int i = 0; i < 4; ++i) z[i] = _mm256_fmadd_pd(x[i], y[i], z[i]);
  std::memcpy(&c, z, sizeof c);
  return c;
#else
  return a * b + c;
#endif
}

/// The larger; b where either is not a number.
template <class V>
LIGASE_INLINE V max(V a, V b) {
  return a > b ? a : b;
}
template <class V>
LIGASE_INLINE V min(V a, V b) {
  return a < b ? a : b;
}
template <class V>
LIGASE_INLINE V abs(V x) {
  return max(x, -x);
}

/// ((c_0 x + c_1) x + ...) + c_last
template <class V, std::size_t n>
LIGASE_INLINE V polynomial(const Lane<V> (&c)[n], V x) {
  V p = broadcast(c[0]);
  for (std::size_t i = 1; i < n; ++i) p = fma(p, x, broadcast(c[i]));
  return p;
}

/// 2^(n + f) for |f| <= 1/2 and shifted = magic + n, n an integer within the format's exponents.
template <class V>
LIGASE_INLINE V exp2_parts(V shifted, V f) {
  using F = Format<Lane<V>>;
  using Bits = typename F::Bits;
  const V p = fma(polynomial(F::exp2, f), f, broadcast(Lane<V>(1)));
  return (V)((Bits)p + ((Bits)shifted << F::mantissa));
}

/// 2^x; x below the smallest exponent gives a number below 2^-124 (float) or 2^-1020 (double), x above the largest about 2^127
/// or 2^1023. Relative error at most 2e-7 in float and 4e-16 in double.
template <class V>
LIGASE_INLINE V exp2(V x) {
  using F = Format<Lane<V>>;
  const V magic = broadcast(F::magic);
  x = min(broadcast(F::largest), max(broadcast(F::smallest), x));
  const V shifted = x + magic;
  return exp2_parts(shifted, x - (shifted - magic));
}

/// e^x; arguments are clamped to the range of exp2. Relative error at most 2e-7 in float and 4e-16 in double.
template <class V>
LIGASE_INLINE V exp(V x) {
  using T = Lane<V>;
  using F = Format<T>;
  constexpr T log2e = T(1.4426950408889634074), ln2 = T(0.69314718055994530942);
  const V magic = broadcast(F::magic);
  x = min(broadcast(F::largest * ln2), max(broadcast(F::smallest * ln2), x));
  const V shifted = fma(x, broadcast(log2e), magic), n = shifted - magic;
  const V r = fma(n, broadcast(-F::ln2_low), fma(n, broadcast(-F::ln2_high), x));
  return exp2_parts(shifted, r * broadcast(log2e));
}

/// 1 / (1 + e^-x)
template <class V>
LIGASE_INLINE V sigmoid(V x) {
  const V one = broadcast(Lane<V>(1));
  return one / (one + exp(-x));
}

/// ln(1 + e^x) = max(x, 0) + 2 atanh(e / (2 + e)) for e = e^-|x|; the identity above 20, as torch.nn.functional.softplus.
template <class V>
LIGASE_INLINE V softplus(V x) {
  using T = Lane<V>;
  const V e = exp(-abs(x)), s = e / (e + broadcast(T(2))), q = s * s;
  const V p = fma(polynomial(Format<T>::atanh, q), q, broadcast(T(2)));
  return x > broadcast(T(20)) ? x : fma(p, s, max(V{}, x));
}

/// Sum of the lanes, halves first: (x0 + x8) + (x4 + x12), ...
template <class V>
LIGASE_INLINE Lane<V> sum(V x) {
  Lane<V> a[lanes];
  std::memcpy(a, &x, sizeof a);
  for (Index half = lanes / 2; half > 0; half /= 2)
    for (Index i = 0; i < half; ++i) a[i] += a[i + half];
  return a[0];
}

/// Lane i is sum(x[i]), by shuffles that halve all 16 packs together.
template <class V>
LIGASE_INLINE V sums(const V* x) {
  V eight[8], four[4], two[2];
  for (int i = 0; i < 8; ++i)
    eight[i] = __builtin_shufflevector(x[i], x[i + 8], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
               __builtin_shufflevector(x[i], x[i + 8], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
  for (int i = 0; i < 4; ++i)
    four[i] =
        __builtin_shufflevector(eight[i], eight[i + 4], 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27) +
        __builtin_shufflevector(eight[i], eight[i + 4], 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
  for (int i = 0; i < 2; ++i)
    two[i] = __builtin_shufflevector(four[i], four[i + 2], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
             __builtin_shufflevector(four[i], four[i + 2], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
  return __builtin_shufflevector(two[0], two[1], 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30) +
         __builtin_shufflevector(two[0], two[1], 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
}

#pragma GCC diagnostic pop

}  // namespace ligase::inline LIGASE_ISA::simd
