#include <doctest/doctest.h>

#include <ligase/train/metric.hpp>

#include <cmath>

using namespace ligase;

TEST_CASE("mean loss weighs batches by their targets") {
  MeanLoss loss;
  CHECK(std::isnan(loss.value()));
  loss.update(1.0, 30);
  loss.update(2.0, 10);
  loss.update(std::nan(""), 0);
  CHECK(loss.targets() == 40);
  CHECK(loss.value() == doctest::Approx(1.25).epsilon(1e-15));
  CHECK(loss.perplexity() == doctest::Approx(3.4903429574618414).epsilon(1e-15));
  loss.reset();
  CHECK(std::isnan(loss.perplexity()));
}

TEST_CASE("accuracy over batches of different size") {
  Accuracy accuracy;
  CHECK(std::isnan(accuracy.value()));
  accuracy.update(1, 2);
  accuracy.update(4, 6);
  CHECK(accuracy.value() == 0.625);
  CHECK(accuracy.answers() == 8);
}
