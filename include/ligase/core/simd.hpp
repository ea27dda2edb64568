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
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
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

/// Packs of a number type, and its constants. 2^x is 2^n 2^f with n a multiple of 2^-cell_bits: `magic`, 1.5 times a power of
/// 2, rounds what is added to it so. Polynomials, highest power first, of (2^f - 1) / f on |f| <= 2^-cell_bits / 2, of the
/// same with e^r for r = f ln 2, and of (2 atanh(s) / s - 2) / s^2 by s^2 on [0, 1/9]. ln 2 in two parts, the first with
/// trailing zeros; limits of exponents.
template <class T>
struct Format;
template <>
struct Format<float> {
  using Pack = FloatPack;
  using Bits = FloatBits;
  static constexpr float ln2_high = 0.693145752f, ln2_low = 1.42860677e-6f;
  static constexpr float smallest = -125, largest = 127;
#if defined(__AVX512F__)
  // A table of 16 powers lies in one register.
  static constexpr int mantissa = 23, cell_bits = 4;
  static constexpr float magic = 786432.0f;
  static constexpr float exp2[] = {0.0555041087f, 0.240226522f, 0.693147182f}, exp[] = {0.166666672f, 0.5f, 1.0f};
#else
  static constexpr int mantissa = 23, cell_bits = 0;
  static constexpr float magic = 12582912.0f;
  static constexpr float exp2[] = {0.00132647541f, 0.00967149809f, 0.0555073358f, 0.240222424f, 0.693147004f};
  static constexpr float exp[] = {0.00829033153f, 0.0418978663f, 0.166676357f, 0.499991502f, 0.999999745f};
#endif
  static constexpr float atanh[] = {0.280119866f, 0.280018061f, 0.400215268f, 0.666664183f};
};
template <>
struct Format<double> {
  using Pack = DoublePack;
  using Bits = DoubleBits;
  static constexpr int mantissa = 52, cell_bits = 0;
  static constexpr double magic = 6755399441055744.0, ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
  static constexpr double smallest = -1021, largest = 1023;
  // ln(2)^k / k!
  static constexpr double exp2[] = {1.3691488853904128e-12, 2.5678435993488206e-11, 4.4455382718708116e-10,
                                    7.0549116208011234e-09, 1.01780860092397e-07,   1.321548679014431e-06,
                                    1.5252733804059841e-05, 0.00015403530393381609, 0.0013333558146428443,
                                    0.0096181291076284769,  0.055504108664821583,   0.24022650695910072,
                                    0.69314718055994529};
  // 1 / k!
  static constexpr double exp[] = {1.6059043836821613e-10,
                                   2.08767569878681e-09,
                                   2.505210838544172e-08,
                                   2.755731922398589e-07,
                                   2.7557319223985893e-06,
                                   2.48015873015873e-05,
                                   0.0001984126984126984,
                                   0.001388888888888889,
                                   0.008333333333333333,
                                   0.041666666666666664,
                                   0.16666666666666666,
                                   0.5,
                                   1.0};
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
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<Lane<V>, float>) return (V)_mm512_maskz_max_ps(0xffff, (__m512)a, (__m512)b);
#endif
  return a > b ? a : b;
}
template <class V>
LIGASE_INLINE V min(V a, V b) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<Lane<V>, float>) return (V)_mm512_maskz_min_ps(0xffff, (__m512)a, (__m512)b);
#endif
  return a < b ? a : b;
}
template <class V>
LIGASE_INLINE V abs(V x) {
  using Bits = typename Format<Lane<V>>::Bits;
  return (V)((Bits)x & ~(Bits)broadcast(Lane<V>(-0.0)));
}

/// ((c_0 x + c_1) x + ...) + c_last
template <class V, std::size_t n>
LIGASE_INLINE V polynomial(const Lane<V> (&c)[n], V x) {
  V p = broadcast(c[0]);
  for (std::size_t i = 1; i < n; ++i) p = fma(p, x, broadcast(c[i]));
  return p;
}

/// 2^(j / 16), j = 0 .. 15, as floats' bits, less j << 19: what a number's last four bits are when they shift to the exponent.
alignas(64) inline constexpr std::uint32_t exp2_cells[lanes] = {
    0x3f800000, 0x3f7daac3, 0x3f7b95c2, 0x3f79c3d3, 0x3f7837f0, 0x3f76f532, 0x3f75fed7, 0x3f75583f,
    0x3f7504f3, 0x3f7508a4, 0x3f75672a, 0x3f76248c, 0x3f7744fd, 0x3f78ccdf, 0x3f7ac0c7, 0x3f7d257d};

/// 2^n (1 + f p(f)) for shifted = magic + n within the format's exponents, n a multiple of a cell; p by its coefficients.
template <class V, std::size_t terms>
LIGASE_INLINE V exp_parts(const Lane<V> (&p)[terms], V shifted, V f) {
  using F = Format<Lane<V>>;
  using Bits = typename F::Bits;
  const Bits exponent = (Bits)shifted << (F::mantissa - F::cell_bits);
  const V q = polynomial(p, f);
  if constexpr (F::cell_bits == 0) return (V)((Bits)fma(q, f, broadcast(Lane<V>(1))) + exponent);
#if defined(__AVX512F__)
  else {
    const auto cell = (Bits)_mm512_maskz_permutexvar_epi32(0xffff, (__m512i)shifted, _mm512_load_si512(exp2_cells));
    const V s = (V)(cell + exponent);
    return fma(q, f * s, s);
  }
#endif
}

/// 2^x for |x| within the format's exponents; the bits of exp2.
template <class V>
LIGASE_INLINE V exp2_within(V x) {
  const V magic = broadcast(Format<Lane<V>>::magic), shifted = x + magic;
  return exp_parts(Format<Lane<V>>::exp2, shifted, x - (shifted - magic));
}

/// The argument that exp2 takes for x.
template <class V>
LIGASE_INLINE V exp2_clamped(V x) {
  using F = Format<Lane<V>>;
  return min(broadcast(F::largest), max(broadcast(F::smallest), x));
}

/// 2^x; x below the smallest exponent gives a number below 2^-124 (float) or 2^-1020 (double), x above the largest about 2^127
/// or 2^1023. Relative error at most 2e-7 in float and 4e-16 in double.
template <class V>
LIGASE_INLINE V exp2(V x) {
  return exp2_within(exp2_clamped(x));
}

/// e^x for x log2 e within the format's exponents; the bits of exp.
template <class V>
LIGASE_INLINE V exp_within(V x) {
  using T = Lane<V>;
  using F = Format<T>;
  const V magic = broadcast(F::magic), shifted = fma(x, broadcast(T(1.4426950408889634074)), magic),
          n = shifted - magic;
  return exp_parts(F::exp, shifted, fma(n, broadcast(-F::ln2_low), fma(n, broadcast(-F::ln2_high), x)));
}

/// Ends of the arguments of exp.
template <class T>
inline constexpr T exp_smallest = Format<T>::smallest* T(0.69314718055994530942);
template <class T>
inline constexpr T exp_largest = Format<T>::largest* T(0.69314718055994530942);

/// e^x; arguments are clamped to the range of exp2. Relative error at most 2e-7 in float and 4e-16 in double.
template <class V>
LIGASE_INLINE V exp(V x) {
  using T = Lane<V>;
  return exp_within(min(broadcast(exp_largest<T>), max(broadcast(exp_smallest<T>), x)));
}

/// 1 / (1 + e^-x)
template <class V>
LIGASE_INLINE V sigmoid(V x) {
  const V one = broadcast(Lane<V>(1));
  return one / (one + exp(-x));
}

/// x / (1 + e^-x)
template <class V>
LIGASE_INLINE V silu(V x) {
  return x / (broadcast(Lane<V>(1)) + exp(-x));
}

/// ln(1 + e^x) = max(x, 0) + 2 atanh(e / (2 + e)) for e = e^-|x|; the identity above 20, as torch.nn.functional.softplus.
/// `slope` is its derivative.
template <class V>
LIGASE_INLINE V softplus(V x, V& slope) {
  using T = Lane<V>;
  const V one = broadcast(T(1)), e = exp_within(max(broadcast(exp_smallest<T>), -abs(x)));
  const V s = e / (e + broadcast(T(2))), q = s * s;
  const V y = fma(fma(polynomial(Format<T>::atanh, q), q, broadcast(T(2))), s, max(V{}, x));
  slope = (x < V{} ? e : one) / (one + e);
  if constexpr (std::is_same_v<T, float>) return y;  // x + e^-20 is x, and 1 + e^-20 is 1
  const auto far = x > broadcast(T(20));
  slope = far ? one : slope;
  return far ? x : y;
}
template <class V>
LIGASE_INLINE V softplus(V x) {
  V slope;
  return softplus(x, slope);
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

/// A step of sums: of every 2 `run` lanes the first `run` hold what lies `run` lanes apart in a, added up, the others the same of b.
template <int run, class V>
LIGASE_INLINE V fold(V a, V b) {
  if constexpr (run == 8)
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
           __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
  else if constexpr (run == 4)
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27) +
           __builtin_shufflevector(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
  else if constexpr (run == 2)
    return __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
           __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
  else
    return __builtin_shufflevector(a, b, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30) +
           __builtin_shufflevector(a, b, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
}

/// Lanes i and i + 8 are sum(a[i]) and sum(b[i]), where x[i] is fold<8>(a[i], b[i]), i = 0 .. 7.
template <class V>
LIGASE_INLINE V folded_sums(const V* x) {
  V four[4];
  for (int i = 0; i < 4; ++i) four[i] = fold<4>(x[i], x[i + 4]);
  return fold<1>(fold<2>(four[0], four[2]), fold<2>(four[1], four[3]));
}

/// Lane i is sum(x[i]), by shuffles that halve all 16 packs together.
template <class V>
LIGASE_INLINE V sums(const V* x) {
  V eight[8];
  for (int i = 0; i < 8; ++i) eight[i] = fold<8>(x[i], x[i + 8]);
  return folded_sums(eight);
}

#pragma GCC diagnostic pop

}  // namespace ligase::inline LIGASE_ISA::simd
