#include "shared_memory.hpp"

#include <ligase/core/platform.hpp>

// What ligase::device::block_shared (ligase/ops/cuda/launch.cuh) declares.
namespace ligase::inline LIGASE_ISA::device {
extern unsigned char ligase_shared[];
alignas(128) unsigned char ligase_shared[simt::shared_capacity + simt::shared_zone];
}  // namespace ligase::inline LIGASE_ISA::device

unsigned char* simt::shared_memory() { return ligase::device::ligase_shared; }
