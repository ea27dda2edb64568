#pragma once

#include <cstdint>
#include <stdexcept>

/// What tests may ask of the emulated GPU beyond CUDA's functions.
namespace simt {

/// A kernel or a program did what is a bug on a GPU, whatever the result. Thrown by the call that ran the kernel.
struct Violation : std::logic_error {
  using logic_error::logic_error;
};

/// In which order blocks, the warps of a block and the lanes of a warp run between the points where they join: a result
/// that depends on it misses a barrier. At the start forward, or what LIGASE_SIMT_ORDER says: "forward", "reverse", or a
/// number, the seed of a shuffled order.
enum class Order { forward, reverse, shuffled };
void set_order(Order order, std::uint64_t seed = 1);

/// Whether new memory (its first MB) and the shared memory of every block hold 0xFF in every byte: NaN in all number types,
/// -1 in ids. True at the start.
void set_poison(bool on);

/// Whether device memory is out of the host's reach except while the device works, so that a host access is a
/// segmentation fault. True at the start.
void set_guard(bool on);

/// Whether work waits in the stream until something waits for it, as it may on a GPU; who waits for an event has done what was
/// given until then and no more. False at the start, where LIGASE_SIMT_DEFERRED is not set.
void set_deferred(bool on);

/// Counts since the process started.
struct Counts {
  std::int64_t launches = 0, blocks = 0, threads = 0, switches = 0;
};
Counts counts();

/// Calls that waited for deferred work since the process started, and those after which the device had nothing to do.
struct Waits {
  std::int64_t waited = 0, idle = 0;
};
Waits waits();

/// Bytes that are allocated on the device.
std::int64_t allocated_bytes();

}  // namespace simt
