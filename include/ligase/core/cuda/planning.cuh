#pragma once

#include <ligase/core/cuda.hpp>
#include <ligase/core/cuda/runtime.cuh>

/// Definitions of ligase/core/cuda/planning.hpp.
namespace ligase::inline LIGASE_ISA::device {

/// Where tensors lie that were made while planning. Nothing reads or writes there.
inline void* planning_place() {
  alignas(256) static char place[256];
  return place;
}

[[gnu::weak]] void begin_planning(cuda) {
  if (is_capturing()) throw Error{{.kind = ErrorKind::internal, .what = "planning inside of recorded work"}};
  is_planning() = true;
}
[[gnu::weak]] void end_planning(cuda) noexcept { is_planning() = false; }

}  // namespace ligase::inline LIGASE_ISA::device
