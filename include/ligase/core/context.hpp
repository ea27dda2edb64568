#pragma once

#include <ligase/core/device.hpp>
#include <ligase/core/parallel.hpp>
#include <ligase/core/random.hpp>

#include <memory>
#include <vector>

namespace ligase::inline LIGASE_ISA {

struct Observer;

/// What every forward and backward takes first, and all that is not on the wire: device, threads, training or inference,
/// random stream, and who watches. Nothing is global; a context belongs to one thread of control.
template <Device D = cpu>
struct Context {
  D device{};
  int threads = available_threads();
  bool training = false;
  RandomStream random{};
  /// Place of the next random use in the wiring; `checkpoint` rewinds it, so that a recomputed use keeps its place.
  std::uint64_t next_place = 0;
  /// Sees what flows past `tap`; null outside tests and tools.
  Observer* observer = nullptr;
  /// Index of the block that `repeat` is running.
  Index layer = 0;
  /// Sequences packed into one of [1, L]: 0, the end of the first, ..., L. Null: every row is one sequence. Of two strands
  /// [2, L] the second is the reverse complement of the whole row, so its sequences come in the opposite order.
  std::shared_ptr<const std::vector<Index>> offsets = {};
};

}  // namespace ligase::inline LIGASE_ISA
