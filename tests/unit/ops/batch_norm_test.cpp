#include <ligase/core/precision.hpp>
#include <ligase/nn/batch_norm.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace ligase;

TEST_CASE("batch_norm: statistics, running statistics and evaluation as torch.nn.BatchNorm1d") {
  using X = Tensor<double>;
  Context<> context;
  BatchNorm<cpu, fp64> norm(2, 0, 0.1);
  initialize(norm, 1);
  const std::vector<double> numbers{1, 10, 2, 10, 3, 40, 6, 40};
  const X x = X::from({2, 2, 2}, numbers);
  decltype(norm)::Saved saved;

  context.training = true;
  const X y = norm.forward(context, x, saved);
  // Channel 0: mean 3, variance 3.5; channel 1: mean 25, variance 225.
  for (Index row = 0; row < 4; ++row) {
    CHECK(y.data()[2 * row] ==
          doctest::Approx((numbers[static_cast<std::size_t>(2 * row)] - 3) / std::sqrt(3.5)).epsilon(1e-14));
    CHECK(y.data()[2 * row + 1] == doctest::Approx(row < 2 ? -1 : 1).epsilon(1e-14));
  }
  CHECK(norm.running_mean.value.data()[0] == doctest::Approx(0.3));
  CHECK(norm.running_var.value.data()[0] == doctest::Approx(0.9 + 0.1 * 14 / 3));
  CHECK(norm.running_mean.value.data()[1] == doctest::Approx(2.5));
  CHECK(norm.running_var.value.data()[1] == doctest::Approx(0.9 + 0.1 * 300));
  CHECK(*norm.batches.value.data() == 1);

  context.training = false;
  const X evaluated = norm.infer(context, x);
  CHECK(evaluated.data()[0] == doctest::Approx(0.7 / std::sqrt(0.9 + 1.4 / 3)));
  CHECK(*norm.batches.value.data() == 1);

  // Running statistics are no parameters.
  std::vector<std::string> parameters, tensors;
  visit_parameters(norm, [&](const std::string& name, auto&) { parameters.push_back(name); });
  visit_tensors(norm, [&](const std::string& name, auto&, bool) { tensors.push_back(name); });
  CHECK(parameters == std::vector<std::string>{"weight", "bias"});
  CHECK(tensors == std::vector<std::string>{"weight", "bias", "running_mean", "running_var", "num_batches_tracked"});

  context.training = true;
  CHECK_THROWS_WITH_AS(
      norm.forward(context, X::zeros({1, 1, 2}), saved),
      "batch normalisation of a single value per channel in training; expected at least 2 rows, found 1", Error);
}
