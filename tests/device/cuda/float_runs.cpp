#include <ligase/cuda.cuh>

#include <device/cuda/runs.hpp>

std::vector<ligase_test::OpRun> ligase_test::cuda_float_runs(const std::vector<Sizes>& sizes) {
  return erase_all(op_cases<float, ligase::cuda>(sizes));
}

bool ligase_test::has_cuda_device() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
}
