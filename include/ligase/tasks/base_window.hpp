#pragma once

#include <ligase/core/platform.hpp>

#include <algorithm>
#include <span>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// Codes of the letters A, C, G, T are 0, 1, 2, 3, so that 3 - code is the complement; every larger code is no base.
inline constexpr std::uint8_t base_unknown = 4;

/// A window of a genome, taken alone: its letters as codes and the 0-based coordinate of the first in its chromosome.
struct BaseWindow {
  std::span<const std::uint8_t> codes;
  std::uint64_t start = 0;
};

/// Rows floor(j W / n), j = 0 .. n-1, of W rows: the sample of the measure. All rows where n >= W.
inline std::vector<Index> sample_rows(Index rows, Index wanted) {
  const Index n = std::max<Index>(0, std::min(rows, wanted));
  std::vector<Index> chosen;
  chosen.reserve(static_cast<std::size_t>(n));
  for (Index j = 0; j < n; ++j) chosen.push_back(j * rows / n);
  return chosen;
}

}  // namespace ligase::inline LIGASE_ISA
