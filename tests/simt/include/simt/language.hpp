#pragma once

#include <simt/vector_types.hpp>

#include <bit>
#include <cmath>
#include <concepts>
#include <cstring>
#include <source_location>

// CUDA's words in a kernel, for a host compiler. Calls that join threads carry the place of the call, so that two lanes at
// different calls are told apart.

#define __global__
#define __device__
#define __host__
#define __constant__
#define __shared__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(n) alignas(n)

/// Of the thread that runs. Never written to by kernels.
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;

namespace simt {

#if defined(__cpp_lib_source_location)
using Place = std::source_location;
#else
/// Of a call, for compilers without std::source_location.
struct Place {
  const char* file = "";
  unsigned at_line = 0, at_column = 0;

  static constexpr Place current(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE(),
                                 unsigned column = __builtin_COLUMN()) {
    return {file, line, column};
  }
  constexpr const char* file_name() const { return file; }
  constexpr unsigned line() const { return at_line; }
  constexpr unsigned column() const { return at_column; }
};
#endif

enum class Exchange { index, up, down, exclusive_or, ballot, join };

/// Waits for the block; for the warp, to which it brings `value`: what the lane that `kind` selects brought.
void join_block(const Place& where);
std::uint64_t join_warp(Exchange kind, unsigned mask, int width, int parameter, std::uint64_t value,
                        const Place& where);

/// What shuffles move without a conversion.
template <class T>
concept Shuffled = std::same_as<T, int> || std::same_as<T, unsigned> || std::same_as<T, long> ||
                   std::same_as<T, unsigned long> || std::same_as<T, long long> ||
                   std::same_as<T, unsigned long long> || std::same_as<T, float> || std::same_as<T, double>;

template <Shuffled T>
T shuffle(Exchange kind, unsigned mask, T value, int parameter, int width, const Place& where) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = join_warp(kind, mask, width, parameter, bits, where);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

}  // namespace simt

inline void __syncthreads(simt::Place where = simt::Place::current()) { simt::join_block(where); }
inline void __syncwarp(unsigned mask = 0xFFFFFFFFu, simt::Place where = simt::Place::current()) {
  simt::join_warp(simt::Exchange::join, mask, 32, 0, 0, where);
}
template <simt::Shuffled T>
T __shfl_sync(unsigned mask, T value, int lane, int width = 32,
              simt::Place where = simt::Place::current()) {
  return simt::shuffle(simt::Exchange::index, mask, value, lane, width, where);
}
template <simt::Shuffled T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 simt::Place where = simt::Place::current()) {
  return simt::shuffle(simt::Exchange::up, mask, value, static_cast<int>(delta), width, where);
}
template <simt::Shuffled T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   simt::Place where = simt::Place::current()) {
  return simt::shuffle(simt::Exchange::down, mask, value, static_cast<int>(delta), width, where);
}
template <simt::Shuffled T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32,
                  simt::Place where = simt::Place::current()) {
  return simt::shuffle(simt::Exchange::exclusive_or, mask, value, lane_mask, width, where);
}
inline unsigned __ballot_sync(unsigned mask, int predicate,
                              simt::Place where = simt::Place::current()) {
  return static_cast<unsigned>(simt::join_warp(simt::Exchange::ballot, mask, 32, predicate != 0, 0, where));
}
inline int __any_sync(unsigned mask, int predicate, simt::Place where = simt::Place::current()) {
  return __ballot_sync(mask, predicate, where) != 0;
}
inline int __all_sync(unsigned mask, int predicate, simt::Place where = simt::Place::current()) {
  return __ballot_sync(mask, !predicate, where) == 0;
}

template <class T>
T __ldg(const T* p) {
  return *p;
}
inline void __threadfence() {}
inline void __threadfence_block() {}

inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline int __popc(unsigned x) { return std::popcount(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __ffs(int x) { return x == 0 ? 0 : std::countr_zero(static_cast<unsigned>(x)) + 1; }
inline float rsqrtf(float x) { return 1 / std::sqrt(x); }
inline double rsqrt(double x) { return 1 / std::sqrt(x); }

#define SIMT_MIN_MAX(A, B, R)                                                                    \
  constexpr R min(A a, B b) { return static_cast<R>(a) < static_cast<R>(b) ? static_cast<R>(a) : static_cast<R>(b); } \
  constexpr R max(A a, B b) { return static_cast<R>(a) > static_cast<R>(b) ? static_cast<R>(a) : static_cast<R>(b); }
SIMT_MIN_MAX(int, int, int)
SIMT_MIN_MAX(unsigned, unsigned, unsigned)
SIMT_MIN_MAX(int, unsigned, unsigned)
SIMT_MIN_MAX(unsigned, int, unsigned)
SIMT_MIN_MAX(long, long, long)
SIMT_MIN_MAX(unsigned long, unsigned long, unsigned long)
SIMT_MIN_MAX(long, unsigned long, unsigned long)
SIMT_MIN_MAX(unsigned long, long, unsigned long)
SIMT_MIN_MAX(long long, long long, long long)
SIMT_MIN_MAX(unsigned long long, unsigned long long, unsigned long long)
SIMT_MIN_MAX(long long, unsigned long long, unsigned long long)
SIMT_MIN_MAX(unsigned long long, long long, unsigned long long)
#undef SIMT_MIN_MAX
// As fminf and fmaxf: the number where the other is NaN.
inline float min(float a, float b) { return std::fmin(a, b); }
inline float max(float a, float b) { return std::fmax(a, b); }
inline double min(double a, double b) { return std::fmin(a, b); }
inline double max(double a, double b) { return std::fmax(a, b); }
inline double min(float a, double b) { return std::fmin(static_cast<double>(a), b); }
inline double min(double a, float b) { return std::fmin(a, static_cast<double>(b)); }
inline double max(float a, double b) { return std::fmax(static_cast<double>(a), b); }
inline double max(double a, float b) { return std::fmax(a, static_cast<double>(b)); }
