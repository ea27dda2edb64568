#include <doctest/doctest.h>
#include <ligase/tasks/metrics.hpp>
#include <support/errors.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace {

using ligase::ClassificationMetrics;
using ligase::ClassificationScores;
using ligase::ConfusionMatrix;
using ligase::Index;

/// Rows of a two-class split: true class and probability of class 1.
ClassificationScores two_classes(const std::vector<std::pair<Index, double>>& rows) {
  ClassificationScores scores(2);
  for (const auto& [truth, p] : rows) scores.add_probabilities(truth, std::vector<double>{1 - p, p});
  return scores;
}

TEST_CASE("metrics: two classes against numbers worked out by hand") {
  // Predictions 0 0 1 1 1 0: TP 2, FP 1, FN 1, TN 2.
  const auto scores = two_classes({{0, 0.1}, {0, 0.4}, {1, 0.8}, {1, 0.6}, {0, 0.6}, {1, 0.3}});
  const ClassificationMetrics m = scores.metrics();
  CHECK(m.accuracy == doctest::Approx(4.0 / 6));
  CHECK(m.mcc == doctest::Approx((2 * 2 - 1 * 1) / 9.0));
  CHECK(m.precision == doctest::Approx(2.0 / 3));
  CHECK(m.recall == doctest::Approx(2.0 / 3));
  CHECK(m.f1 == doctest::Approx(2.0 / 3));
  CHECK(m.f1_macro == doctest::Approx(2.0 / 3));
  // Pairs of (0.8, 0.6, 0.3) over (0.1, 0.4, 0.6): 3 + 2.5 + 1 of 9.
  CHECK(m.auroc == doctest::Approx(6.5 / 9));
  // Thresholds 0.8, 0.6, 0.4, 0.3: 1/3 * 1 + 1/3 * 2/3 + 0 + 1/3 * 3/5.
  CHECK(m.auprc == doctest::Approx((1 + 2.0 / 3 + 0.6) / 3));
  CHECK(m.brier == doctest::Approx((0.01 + 0.16 + 0.04 + 0.16 + 0.36 + 0.49) / 6));
  const ConfusionMatrix matrix = scores.confusion();
  CHECK(matrix.at(0, 0) == 2);
  CHECK(matrix.at(0, 1) == 1);
  CHECK(matrix.at(1, 0) == 1);
  CHECK(matrix.at(1, 1) == 2);
}

TEST_CASE("metrics: three classes, one of them never true nor predicted") {
  ConfusionMatrix matrix(4);
  // scikit-learn: matthews_corrcoef([0,0,1,1,2,2], [0,1,1,1,2,0]) = 0.5222329678670935, macro F1 0.6555555555555556.
  for (const auto& [t, p] : std::vector<std::pair<Index, Index>>{{0, 0}, {0, 1}, {1, 1}, {1, 1}, {2, 2}, {2, 0}})
    matrix.add(t, p);
  CHECK(matrix.mcc() == doctest::Approx(0.5222329678670935).epsilon(1e-14));
  CHECK(matrix.macro().f1 == doctest::Approx((0.5 + 0.8 + 2.0 / 3) / 3).epsilon(1e-14));
  CHECK(matrix.usual().recall == doctest::Approx((0.5 + 1 + 0.5) / 3).epsilon(1e-14));
  CHECK(ligase_test::error_of([&] { matrix.add(4, 0); }).kind() == ligase::ErrorKind::internal);
}

TEST_CASE("metrics: degenerate splits") {
  SUBCASE("one class, all correct") {
    const auto m = two_classes({{0, 0.2}, {0, 0.1}}).metrics();
    CHECK(m.accuracy == 1);
    CHECK(m.mcc == 0);
    CHECK(m.f1 == 0);
    CHECK(m.precision == 0);
    CHECK(m.recall == 0);
    CHECK(m.f1_macro == 1);
    CHECK(std::isnan(m.auroc));
    CHECK(m.auprc == 0);
  }
  SUBCASE("positives only") {
    const auto m = two_classes({{1, 0.7}, {1, 0.4}}).metrics();
    CHECK(m.recall == 0.5);
    CHECK(m.precision == 1);
    CHECK(m.mcc == 0);
    CHECK(std::isnan(m.auroc));
    CHECK(m.auprc == 1);
  }
  SUBCASE("one score for all: the area is a half, the first class is predicted") {
    const auto m = two_classes({{1, 0.5}, {0, 0.5}, {0, 0.5}, {0, 0.5}}).metrics();
    CHECK(m.auroc == 0.5);
    CHECK(m.auprc == 0.25);
    CHECK(m.accuracy == 0.75);
    CHECK(m.mcc == 0);
  }
  SUBCASE("no rows") {
    const ClassificationScores none(2);
    const auto m = none.metrics();
    for (const double x : {m.accuracy, m.mcc, m.f1, m.precision, m.recall, m.auroc, m.auprc, m.brier,
                           m.calibration_error, none.batch_means(4).mcc, none.intervals(10, 1).mcc.low})
      CHECK(std::isnan(x));
  }
}

TEST_CASE("metrics: softmax of logits of any size; what is no number is refused") {
  ClassificationScores scores(3);
  scores.add_logits<float>(2, std::vector<float>{1e30F, -1e30F, 0});
  scores.add_logits<double>(1, std::vector<double>{std::log(1.0), std::log(3.0), std::log(4.0)});
  CHECK(scores.probability(0, 0) == 1);
  CHECK(scores.predicted(0) == 0);
  CHECK(scores.probability(1, 1) == doctest::Approx(3.0 / 8).epsilon(1e-15));
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()})
    CHECK(ligase_test::error_of([&] { scores.add_logits<double>(0, std::vector<double>{0, bad, 1}); }).kind() ==
          ligase::ErrorKind::numeric);
  CHECK(ligase_test::error_of([&] { scores.add_logits<double>(3, std::vector<double>{0, 0, 1}); }).kind() ==
        ligase::ErrorKind::shape);
  CHECK(ligase_test::error_of([&] { scores.add_logits<double>(0, std::vector<double>{0, 0}); }).kind() ==
        ligase::ErrorKind::shape);
  CHECK(scores.rows() == 2);
}

TEST_CASE("metrics: the mean over batches of a split sorted by class is not the split's MCC") {
  std::vector<std::pair<Index, double>> rows;
  for (int i = 0; i < 100; ++i) rows.emplace_back(0, i < 4 ? 0.9 : 0.1);
  for (int i = 0; i < 100; ++i) rows.emplace_back(1, i < 4 ? 0.1 : 0.9);
  const auto scores = two_classes(rows);
  CHECK(scores.metrics().mcc == doctest::Approx(0.92));
  CHECK(scores.batch_means(50).mcc == 0);
  // One batch holds both classes: 40 of 200 rows, 20 of each, all correct but 4 of class 1.
  const auto means = scores.batch_means(40);
  CHECK(means.mcc == doctest::Approx(0.2 * (16 * 20 - 4 * 0) / std::sqrt(16.0 * 20 * 20 * 24)));
  CHECK(scores.batch_means(1000).mcc == doctest::Approx(0.92));
}

TEST_CASE("metrics: calibration error of bins that can be counted") {
  // Confidence 0.9 on ten rows, eight correct; 0.6 on ten rows, six correct.
  std::vector<std::pair<Index, double>> rows;
  for (int i = 0; i < 10; ++i) rows.emplace_back(i < 8 ? 1 : 0, 0.9);
  for (int i = 0; i < 10; ++i) rows.emplace_back(i < 6 ? 0 : 1, 0.4);
  CHECK(two_classes(rows).metrics().calibration_error == doctest::Approx(0.05));
}

TEST_CASE("metrics: weights count rows") {
  const std::vector<double> scores{0.9, 0.8, 0.7, 0.7, 0.2};
  const std::vector<int> truth{1, 0, 1, 0, 0};
  const std::vector<Index> times{2, 0, 3, 1, 4};
  std::vector<double> repeated;
  std::vector<int> labels;
  for (std::size_t i = 0; i < scores.size(); ++i)
    for (Index t = 0; t < times[i]; ++t) {
      repeated.push_back(scores[i]);
      labels.push_back(truth[i]);
    }
  const ligase::Ranking weighted(scores), plain(repeated);
  const auto at = [](const auto& items) { return [&items](Index row) { return items[static_cast<std::size_t>(row)]; }; };
  const auto once = [](Index) { return 1; };
  CHECK(weighted.roc_auc(at(truth), at(times)) == doctest::Approx(plain.roc_auc(at(labels), once)));
  CHECK(weighted.average_precision(at(truth), at(times)) == doctest::Approx(plain.average_precision(at(labels), once)));
}

TEST_CASE("metrics: bootstrap intervals hold the metric, repeat, and have the binomial width") {
  std::vector<std::pair<Index, double>> rows;
  for (int i = 0; i < 400; ++i) rows.emplace_back(i % 2, i % 10 < 8 ? 0.2 + 0.6 * (i % 2) : 0.8 - 0.6 * (i % 2));
  const auto scores = two_classes(rows);
  const auto a = scores.intervals(1000, 7), again = scores.intervals(1000, 7), other = scores.intervals(1000, 8);
  CHECK(a.accuracy.low < 0.8);
  CHECK(a.accuracy.high > 0.8);
  CHECK(a.mcc.low == again.mcc.low);
  CHECK(a.mcc.low != other.mcc.low);
  CHECK(a.auroc.high - a.auroc.low > 0.02);
  // 2 * 1.96 * sqrt(0.8 * 0.2 / 400) = 0.0784.
  CHECK(a.accuracy.high - a.accuracy.low == doctest::Approx(0.0784).epsilon(0.1));
  CHECK(scores.intervals(1000, 7, 0.5).accuracy.low > a.accuracy.low);
  // Two rows: a resample misses a class with probability 1/2; the area is defined, and 1, in the others.
  const auto tiny = two_classes({{0, 0.1}, {1, 0.9}}).intervals(200, 1);
  CHECK(tiny.auroc.low == 1);
  CHECK(tiny.mcc.low == 0);
  CHECK(ligase_test::error_of([&] { scores.intervals(0, 1); }).kind() == ligase::ErrorKind::usage);
}

}  // namespace
