#pragma once

#include <cstddef>
#include <cstdint>

#if __cplusplus < 202002L
#error "ligase is C++20: compile with -std=c++20"
#endif
#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__)
#error "ligase computes other numbers under -ffast-math, -Ofast and -fassociative-math: compile with -O2 or -O3"
#endif

/// Marks functors of elementwise mathematics, so that nvcc compiles them for both sides.
#if defined(__CUDACC__)
#define LIGASE_HD __host__ __device__
#else
#define LIGASE_HD
#endif

/// Names the instruction set that this translation unit is compiled for. All of ligase lives in an inline namespace of
/// that name, so two translation units with different flags never share a function body.
#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#define LIGASE_ISA avx512
#elif defined(__AVX512F__)
#define LIGASE_ISA avx512f
#elif defined(__AVX2__) && defined(__FMA__)
#define LIGASE_ISA avx2
#elif defined(__AVX2__)
#define LIGASE_ISA avx2_without_fma
#elif defined(__AVX__) && defined(__FMA__)
#define LIGASE_ISA avx_with_fma
#elif defined(__AVX__)
#define LIGASE_ISA avx
#elif defined(__SSE4_2__)
#define LIGASE_ISA sse4
#else
#define LIGASE_ISA portable
#endif

namespace ligase::inline LIGASE_ISA {

#define LIGASE_TEXT_OF(x) #x
#define LIGASE_TEXT(x) LIGASE_TEXT_OF(x)

/// "avx512", "avx2", "portable" or one between them.
inline constexpr const char* instruction_set = LIGASE_TEXT(LIGASE_ISA);

/// Sizes, offsets and counts everywhere: signed 64 bit.
using Index = std::int64_t;

/// The least multiple of `multiple` that is not below n.
constexpr Index round_up(Index n, Index multiple) { return (n + multiple - 1) / multiple * multiple; }

}  // namespace ligase::inline LIGASE_ISA
