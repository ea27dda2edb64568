#include <device/naive.hpp>
#include <device/op_cases.hpp>
#include <device/op_drivers_bfloat16.hpp>

#include <doctest/doctest.h>

TEST_CASE("operations on bfloat16 with weights and sums in float agree with double") {
  using namespace ligase_test;
  check_bfloat16_against_naive(erase_all(op_cases<ligase::bfloat16, ligase::device::naive>(test_sizes())));
}
