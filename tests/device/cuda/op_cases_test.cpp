#include <device/cuda/runs.hpp>
#include <device/op_drivers.hpp>
#include <device/op_drivers_bfloat16.hpp>

#include <doctest/doctest.h>

using namespace ligase_test;

namespace {
bool skipped() {
  if (has_cuda_device()) return false;
  MESSAGE("no GPU: skipped");
  return true;
}
}  // namespace

TEST_CASE("operations on cuda in float agree with serial code in double") {
  if (!skipped()) check_against_naive(cuda_float_runs(test_sizes()), true);
}
TEST_CASE("operations on cuda in double agree with serial code in double") {
  if (!skipped()) check_against_naive(cuda_double_runs(test_sizes()), false);
}
TEST_CASE("operations on cuda in bfloat16 agree with serial code in double") {
  if (!skipped()) check_bfloat16_against_naive(cuda_bfloat16_runs(test_sizes()), true);
}
TEST_CASE("bits of a sequence on cuda do not depend on its place in the batch, nor on its neighbours") {
  if (skipped()) return;
  check_places(cuda_float_runs(three_sequences(test_sizes())));
  check_places(cuda_bfloat16_runs(three_sequences(test_sizes())));
}
TEST_CASE("bits on cuda are the same in every run") {
  if (!skipped()) check_same_after(cuda_float_runs(test_sizes()), [] {});
}
