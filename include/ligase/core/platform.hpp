#pragma once

#include <cstddef>
#include <cstdint>

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
#elif defined(__AVX2__) && defined(__FMA__)
#define LIGASE_ISA avx2
#else
#define LIGASE_ISA portable
#endif

namespace ligase::inline LIGASE_ISA {

#define LIGASE_TEXT_OF(x) #x
#define LIGASE_TEXT(x) LIGASE_TEXT_OF(x)

/// "avx512", "avx2" or "portable".
inline constexpr const char* instruction_set = LIGASE_TEXT(LIGASE_ISA);

/// Sizes, offsets and counts everywhere: signed 64 bit.
using Index = std::int64_t;

/// The least multiple of `multiple` that is not below n.
constexpr Index round_up(Index n, Index multiple) { return (n + multiple - 1) / multiple * multiple; }

}  // namespace ligase::inline LIGASE_ISA
