#include <ligase/cuda.cuh>

#include <device/cuda/runs.hpp>

std::vector<ligase_test::OpRun> ligase_test::cuda_double_runs(const std::vector<Sizes>& sizes) {
  return erase_all(op_cases<double, ligase::cuda>(sizes));
}
