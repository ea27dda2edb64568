#include <device/cuda/runs.hpp>
#include <device/op_drivers.hpp>

#include <simt/control.hpp>

#include <doctest/doctest.h>

using namespace ligase_test;

TEST_CASE("bits do not depend on the order in which threads run: no kernel misses a barrier") {
  for (const auto& runs : {cuda_float_runs(test_sizes()), cuda_bfloat16_runs(test_sizes())})
    for (const auto order : {simt::Order::reverse, simt::Order::shuffled}) {
      check_same_after(runs, [order] { simt::set_order(order, 7); });
      simt::set_order(simt::Order::forward);
    }
}

TEST_CASE("operations wait for the device before the host reads what it wrote") {
  check_same_after(cuda_float_runs(test_sizes()), [] { simt::set_deferred(true); });
  simt::set_deferred(false);
}
