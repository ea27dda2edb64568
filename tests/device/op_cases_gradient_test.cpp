#include <device/op_cases.hpp>
#include <device/op_runs.hpp>

#include <doctest/doctest.h>

using namespace ligase_test;

std::vector<OpRun> ligase_test::cpu_double_runs() { return erase_all(op_cases<double, ligase::cpu>(test_sizes())); }

namespace {

/// The scalar whose gradient the backward pass takes: sum of outputs times their given gradients.
double objective(const OpRun& run, const Arrays& inputs, const Arrays& output_gradients) {
  double sum = 0;
  for (const auto& [name, y] : run.run(1, inputs, {}).first)
    for (std::size_t i = 0; i < y.values.size(); ++i) sum += y.values[i] * output_gradients.at(name).values[i];
  return sum;
}

}  // namespace

TEST_CASE("gradients agree with finite differences in double") {
  constexpr double step = 1e-5;
  constexpr std::size_t samples = 10;
  for (const OpRun& run : cpu_double_runs()) {
    if (!run.has_backward) continue;
    CAPTURE(run.title);
    Arrays inputs = draw_inputs(run);
    const Arrays output_gradients = draw_gradients(run.run(1, inputs, {}).first);
    const Arrays gradients = run.run(1, inputs, output_gradients).second;
    for (const auto& [name, g] : gradients) {
      const std::string& tensor = name;
      CAPTURE(tensor);
      auto& x = inputs.at(name).values;
      REQUIRE(g.values.size() == x.size());
      double largest = 1e-3;
      for (double v : g.values) largest = std::max(largest, std::abs(v));
      const std::size_t stride = std::max<std::size_t>(1, x.size() / samples | 1);
      for (std::size_t i = x.size() > 1 ? 1 : 0; i < x.size(); i += stride) {
        const double before = x[i];
        x[i] = before + step;
        const double above = objective(run, inputs, output_gradients);
        x[i] = before - step;
        const double below = objective(run, inputs, output_gradients);
        x[i] = before;
        CAPTURE(i);
        // Truncation is of the order step^2; rounding 1e-16 / step times an objective of up to a few hundred.
        CHECK(std::abs((above - below) / (2 * step) - g.values[i]) <= 1e-7 * largest + 2e-8);
      }
    }
  }
}
