#pragma once

#include <device/op_cases.hpp>
#include <device/op_runs.hpp>

namespace ligase_test {

/// The operations on `ligase::cuda`: these files are compiled by nvcc for a GPU, or by the host compiler for the emulated one.
std::vector<OpRun> cuda_float_runs(const std::vector<Sizes>& sizes);
std::vector<OpRun> cuda_double_runs(const std::vector<Sizes>& sizes);
std::vector<OpRun> cuda_bfloat16_runs(const std::vector<Sizes>& sizes);

/// Whether there is a device to run on.
bool has_cuda_device();

}  // namespace ligase_test
