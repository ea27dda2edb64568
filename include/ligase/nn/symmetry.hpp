#pragma once

#include <ligase/core/platform.hpp>

#include <concepts>

namespace ligase::inline LIGASE_ISA {

/// How a backbone treats the two strands of DNA.
/// None: one pass over the sequence as it is given.
struct None {
  static constexpr Index strands = 1;
};
/// Reverse-complement parameter sharing (Schiff et al. 2024, Caduceus-PS): the sequence and its reverse complement run as two
/// sequences through the same weights, so that the result is exactly equivariant. On the wire [2 B, L, D]: first the B
/// sequences, then the B reverse complements, each in its own reading direction.
struct RCPS {
  static constexpr Index strands = 2;
};

template <class S>
concept Symmetry = requires {
  { S::strands } -> std::convertible_to<Index>;
};

}  // namespace ligase::inline LIGASE_ISA
