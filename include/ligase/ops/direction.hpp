#pragma once

#include <ligase/core/platform.hpp>

namespace ligase::inline LIGASE_ISA {

/// Which way a recurrence or causal filter walks through the tokens. `reverse` starts at the last token and gives what
/// flipping the tokens, walking forward and flipping back would give, without moving data.
enum class Direction { forward, reverse };

constexpr Direction opposite(Direction dir) {
  return dir == Direction::forward ? Direction::reverse : Direction::forward;
}

/// Token that is visited at `step` of a walk over `length` tokens.
LIGASE_HD constexpr Index token_at(Direction dir, Index step, Index length) {
  return dir == Direction::forward ? step : length - 1 - step;
}

}  // namespace ligase::inline LIGASE_ISA
