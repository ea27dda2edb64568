#include <device/naive.hpp>
#include <device/op_cases.hpp>
#include <device/op_runs.hpp>

std::vector<ligase_test::OpRun> ligase_test::naive_double_runs() {
  return erase_all(op_cases<double, ligase::device::naive>(test_sizes()));
}
