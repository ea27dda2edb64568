#include <device/op_cases.hpp>
#include <device/op_drivers.hpp>
#include <device/op_runs.hpp>

#include <doctest/doctest.h>

using namespace ligase_test;

std::vector<OpRun> ligase_test::cpu_float_runs() { return erase_all(op_cases<float, ligase::cpu>(test_sizes())); }

TEST_CASE("bits do not depend on threads") {
  for (const OpRun& run : cpu_float_runs()) {
    CAPTURE(run.title);
    const Arrays inputs = draw_inputs(run), gradients = draw_gradients(run.run(1, inputs, {}).first);
    const auto [out, din] = run.run(1, inputs, gradients);
    for (int threads : {2, 3}) {
      const auto [out_threads, din_threads] = run.run(threads, inputs, gradients);
      check_equal(out_threads, out);
      check_equal(din_threads, din);
    }
  }
}

TEST_CASE("bits of a sequence do not depend on its place in the batch, nor on its neighbours") {
  check_places(erase_all(op_cases<float, ligase::cpu>(three_sequences(test_sizes()))));
}
