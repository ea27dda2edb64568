#pragma once

#include <ligase/core/device.hpp>

/// Memory of the GPU, as the host sees it. Declared here for files that any compiler reads; ligase/core/cuda/memory.cuh
/// defines it, in the files of a program that nvcc compiles.
namespace ligase::inline LIGASE_ISA::device {

/// Memory for what the library's stream does next. Throws kind `io` where the device has no more.
void* allocate(cuda, Index bytes);
void release(cuda, void* p, Index bytes) noexcept;
/// Makes room for `bytes` in one piece. False where the device has no more.
bool reserve(cuda, Index bytes);

/// Copies from host memory, to host memory and inside the device. What is on the host may be used again on return.
void copy_in(cuda, void* to, const void* from, Index bytes);
void copy_out(cuda, void* to, const void* from, Index bytes);
void copy_within(cuda, void* to, const void* from, Index bytes);
void set_zero(cuda, void* p, Index bytes);

/// Waits until the device has done all that it was given. Throws what failed there.
void synchronize(cuda);

/// See ligase/core/cuda/planning.hpp.
void begin_planning(cuda);
void end_planning(cuda) noexcept;

}  // namespace ligase::inline LIGASE_ISA::device
