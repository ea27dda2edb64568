#pragma once

#include <ligase/core/platform.hpp>

#include <string>

namespace ligase::inline LIGASE_ISA {

/// A sequence of a genome: its name and its length in bp.
struct Contig {
  std::string name;
  Index length = 0;

  friend bool operator==(const Contig&, const Contig&) = default;
};

}  // namespace ligase::inline LIGASE_ISA
