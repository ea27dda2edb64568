#pragma once

#include <ligase/core/cuda.hpp>

#include <type_traits>

namespace ligase::inline LIGASE_ISA::device {

/// While one of these is alive, what this thread gives the device is not done, and tensors of `cuda` take no memory: their
/// bytes are counted as ever (memory_counter<cuda>), by the code that would compute with them. So a pass of any size says what
/// it would hold, in milliseconds. What the host reads from the device meanwhile is zero. Tensors that are made meanwhile must
/// be gone before it is, and nothing else may use the device from this thread.
class Planning {
 public:
  Planning() { begin_planning(cuda{}); }
  ~Planning() { end_planning(cuda{}); }
  Planning(const Planning&) = delete;
  Planning& operator=(const Planning&) = delete;
};

/// f(), planned where D is `cuda`.
template <Device D, class F>
auto planned(F&& f) {
  if constexpr (std::is_same_v<D, cuda>) {
    const Planning scope;
    return f();
  } else {
    return f();
  }
}

}  // namespace ligase::inline LIGASE_ISA::device
