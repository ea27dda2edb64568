#include <ligase/ops/elementwise.hpp>
#include <ligase/ops/norm.hpp>

#include <ligase/io/safetensors.hpp>
#include <support/shared.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

using ligase::Context;
using ligase::Error;
using ligase::Index;
using ligase::Tensor;
namespace ops = ligase::ops;

namespace {

template <class T>
double distance(const Tensor<T>& a, const Tensor<double>& b) {
  CHECK(a.shape() == b.shape());
  double difference = 0, size = 0;
  for (Index i = 0; i < b.count(); ++i) {
    const double d = static_cast<double>(a.data()[i]) - b.data()[i];
    difference += d * d;
    size += b.data()[i] * b.data()[i];
  }
  return std::sqrt(difference / size);
}

/// out = norm(x + residual) and residual_out = x + residual, forward and backward, against values computed by the
/// reference in float. Bounds: about ten times the error of the reference itself (golden README).
template <class T>
void compare_with_golden(const ligase::Safetensors& file, bool rms, bool with_residual) {
  const std::string kind = std::string(rms ? "rmsnorm." : "layernorm.") + (with_residual ? "res." : "nores.");
  CAPTURE(kind);
  const auto read = [&](const char* name) { return file.to_tensor<T>(std::string("norm.in.") + name); };
  const auto check = [&](const Tensor<T>& found, const std::string& name, double bound) {
    CAPTURE(name);
    CHECK(distance(found, file.to_tensor<double>(kind + name)) <= bound);
  };
  Context<> context;
  const auto x = read("x"), weight = read("weight"), bias = read("bias"), dout = read("dout");
  const auto sum = with_residual ? ops::add(context, x, read("residual")) : x;
  auto dweight = Tensor<T>::zeros(weight.shape()), dbias = Tensor<T>::zeros(bias.shape());
  ops::NormStatistics<T, ligase::cpu> statistics;
  Tensor<T> out, dx;
  if (rms) {
    out = ops::rms_norm(context, sum, weight, 1e-5, &statistics);
    dx = ops::rms_norm_backward(context, dout, sum, weight, statistics, dweight);
  } else {
    out = ops::layer_norm(context, sum, weight, bias, 1e-5, &statistics);
    dx = ops::layer_norm_backward(context, dout, sum, weight, statistics, dweight, dbias);
  }
  ops::accumulate(context, dx, read("dresidual_out"));
  check(out, "out", 5e-6);
  check(sum, "residual_out", 5e-6);
  check(dx, "grad.x", 1e-5);
  if (with_residual) check(dx, "grad.residual", 1e-5);
  check(dweight, "grad.weight", 1e-5);
  if (!rms) check(dbias, "grad.bias", 1e-5);
}

}  // namespace

TEST_CASE("norms with residual add agree with the golden values") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("no shared material: golden norms are not compared");
    return;
  }
  const auto folder = *shared / "reference" / "golden" / "causal_conv1d_norms";
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".safetensors") continue;
    ++files;
    const ligase::Safetensors file(entry.path());
    for (const bool rms : {true, false})
      for (const bool with_residual : {true, false}) {
        compare_with_golden<float>(file, rms, with_residual);
        compare_with_golden<double>(file, rms, with_residual);
      }
  }
  CHECK(files == 1);
}

TEST_CASE("a row of known mean and deviation") {
  Context<> context;
  const std::vector<double> row{1, 3, 5, 7}, ones{1, 1, 1, 1}, halves{0.5, 0.5, 0.5, 0.5};
  const auto x = Tensor<double>::from({1, 4}, row);
  const auto weight = Tensor<double>::from({4}, ones), bias = Tensor<double>::from({4}, halves);
  ops::NormStatistics<double, ligase::cpu> statistics;
  const auto y = ops::layer_norm(context, x, weight, bias, 0, &statistics);
  CHECK(statistics.mean.data()[0] == 4);
  CHECK(statistics.inverse.data()[0] ==
        doctest::Approx(1 / std::sqrt(5.0)).epsilon(1e-15));  // variance 20 / 4, not 20 / 3
  CHECK(y.data()[3] == doctest::Approx(3 / std::sqrt(5.0) + 0.5).epsilon(1e-15));
  const auto r = ops::rms_norm(context, x, weight, 4, &statistics);
  CHECK(r.data()[3] == doctest::Approx(7 / 5.0).epsilon(1e-15));  // sqrt(84 / 4 + 4)
  CHECK(statistics.mean.empty());
}

TEST_CASE("gradients of parameters add up; empty ones are left out") {
  Context<> context;
  const std::vector<double> values{1, 3, 5, 7}, ones{1, 1, 1, 1};
  const auto x = Tensor<double>::from({2, 2}, values), dy = Tensor<double>::from({2, 2}, ones);
  const auto weight = Tensor<double>::from({2}, std::span(ones).first(2));
  ops::NormStatistics<double, ligase::cpu> statistics;
  ops::layer_norm(context, x, weight, weight, 0, &statistics);
  auto dweight = Tensor<double>::from({2}, std::span(values).first(2));
  auto dbias = dweight.clone();
  Tensor<double> none;
  const auto dx = ops::layer_norm_backward(context, dy, x, weight, statistics, dweight, dbias);
  CHECK(dweight.data()[0] == doctest::Approx(1 - 2));  // both rows are -1, 1 after normalisation
  CHECK(dweight.data()[1] == doctest::Approx(3 + 2));
  CHECK(dbias.data()[1] == doctest::Approx(3 + 2));
  const auto frozen = ops::layer_norm_backward(context, dy, x, weight, statistics, none, none);
  CHECK(none.empty());
  for (Index i = 0; i < 4; ++i) CHECK(frozen.data()[i] == dx.data()[i]);
}

TEST_CASE("shapes that do not fit are named") {
  Context<ligase::meta> context;
  const Tensor<float, ligase::meta> x({2, 3, 8}), weight({7}), nothing({2, 0});
  CHECK_THROWS_WITH_AS(ops::rms_norm(context, x, weight, 1e-5),
                       "rms_norm weight: shapes do not fit; expected [8], found [7]", Error);
  CHECK_THROWS_WITH_AS(ops::layer_norm(context, nothing, weight, weight, 1e-5),
                       "layer_norm weight: nothing to normalise; found [2, 0]", Error);
}
