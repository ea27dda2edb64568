#pragma once

#include <ligase/core/error.hpp>
#include <ligase/core/random.hpp>
#include <ligase/tasks/metrics_confusion.hpp>
#include <ligase/tasks/metrics_ranking.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// Metrics of a classifier over a whole split. With two classes f1, precision and recall are those of class 1 and auroc,
/// auprc rank by its probability; with more they are means over the classes (one against the rest). NaN: not defined.
struct ClassificationMetrics {
  double accuracy, mcc, f1, precision, recall;
  double auroc;  ///< NaN where a class has no row (scikit-learn refuses or gives NaN)
  double auprc;
  double f1_macro, precision_macro, recall_macro;
  double calibration_error;  ///< expected calibration error (Guo et al. 2017): 15 equal bins of the top probability
  double brier;              ///< two classes: mean (p_1 - y)^2; more: mean of sum_k (p_k - y_k)^2
};

/// Bounds of a confidence interval; NaN where the metric was defined in no resample.
struct MetricInterval {
  double low, high;
};

struct MetricIntervals {
  MetricInterval accuracy, mcc, f1, precision, recall, auroc, auprc;
};

/// Metrics taken per batch and averaged with the batches' sizes as weights. Not the metric of the split: a batch of one
/// class has an MCC of 0. The original (kuleshov-group/caduceus, src/tasks/metrics.py) reports these.
struct BatchMeans {
  double mcc, f1, precision, recall;
};

/// Collects the rows of a split: true class and probabilities. Nothing depends on how the rows came in batches.
class ClassificationScores {
 public:
  explicit ClassificationScores(Index classes) : classes_(classes) {
    if (classes < 2)
      throw Error{{.kind = ErrorKind::usage,
                   .what = "metrics need at least two classes",
                   .found = std::to_string(classes)}};
  }

  /// Probabilities are the softmax of the logits, in double; the predicted class is the first of the largest logits.
  /// A logit that is not finite throws kind numeric.
  template <class T>
  void add_logits(Index truth, std::span<const T> logits) {
    std::vector<double> p(logits.begin(), logits.end());
    check(truth, p);
    const Index predicted = largest(p);
    const double top = p[static_cast<std::size_t>(predicted)];
    double sum = 0;
    for (double& x : p) sum += (x = std::exp(x - top));
    for (double& x : p) x /= sum;
    append(truth, predicted, p);
  }
  /// Probabilities as they are; the caller answers for their sum.
  void add_probabilities(Index truth, std::span<const double> p) {
    check(truth, p);
    append(truth, largest(p), p);
  }

  Index rows() const { return static_cast<Index>(truth_.size()); }
  Index classes() const { return classes_; }
  Index truth(Index row) const { return truth_[static_cast<std::size_t>(row)]; }
  Index predicted(Index row) const { return predicted_[static_cast<std::size_t>(row)]; }
  double probability(Index row, Index k) const { return p_[static_cast<std::size_t>(row * classes_ + k)]; }

  ConfusionMatrix confusion() const { return confusion_of(0, rows()); }

  /// O(n K log n) for n rows and K classes.
  ClassificationMetrics metrics() const {
    const std::vector<Ranking> rankings = rank();
    const auto once = [](Index) { return Index{1}; };
    const ConfusionMatrix matrix = confusion();
    const ClassQuality usual = matrix.usual(), macro = matrix.macro();
    return {.accuracy = matrix.accuracy(),
            .mcc = matrix.mcc(),
            .f1 = usual.f1,
            .precision = usual.precision,
            .recall = usual.recall,
            .auroc = auroc(rankings, once),
            .auprc = auprc(rankings, once),
            .f1_macro = macro.f1,
            .precision_macro = macro.precision,
            .recall_macro = macro.recall,
            .calibration_error = calibration_error(),
            .brier = brier()};
  }

  /// Percentile bootstrap (Efron 1979): `resamples` draws of n rows with replacement, the quantiles (1 - level) / 2 and
  /// (1 + level) / 2 by linear interpolation, as numpy.percentile. Row j of resample b depends on (seed, b, j) alone.
  /// Resamples in which a metric is not defined are left out for that metric. O(resamples n K).
  MetricIntervals intervals(Index resamples, std::uint64_t seed, double level = 0.95) const {
    if (resamples < 1 || !(level > 0 && level < 1))
      throw Error{{.kind = ErrorKind::usage,
                   .what = "cannot make bootstrap intervals",
                   .expected = "at least one resample and a level above 0 and below 1",
                   .found = std::to_string(resamples) + " resamples, level " + std::to_string(level)}};
    const std::vector<Ranking> rankings = rank();
    std::array<std::vector<double>, 7> values;
    std::vector<Index> times(truth_.size());
    ConfusionMatrix matrix(classes_);
    for (Index b = 0; b < resamples && rows() > 0; ++b) {
      const RandomStream stream{seed, static_cast<std::uint64_t>(b), hash_name("metrics.bootstrap")};
      std::fill(times.begin(), times.end(), Index{0});
      for (std::size_t j = 0; j < times.size(); ++j) ++times[static_cast<std::size_t>(stream.below(j, times.size()))];
      matrix.clear();
      for (std::size_t i = 0; i < times.size(); ++i)
        if (times[i] > 0) matrix.add(truth_[i], predicted_[i], times[i]);
      const auto count = [&](Index row) { return times[static_cast<std::size_t>(row)]; };
      const ClassQuality usual = matrix.usual();
      const std::array<double, 7> drawn{matrix.accuracy(), matrix.mcc(), usual.f1,
                                        usual.precision,   usual.recall, auroc(rankings, count),
                                        auprc(rankings, count)};
      for (std::size_t m = 0; m < drawn.size(); ++m)
        if (!std::isnan(drawn[m])) values[m].push_back(drawn[m]);
    }
    const auto interval = [&](std::size_t m) {
      std::sort(values[m].begin(), values[m].end());
      return MetricInterval{quantile(values[m], (1 - level) / 2), quantile(values[m], (1 + level) / 2)};
    };
    return {interval(0), interval(1), interval(2), interval(3), interval(4), interval(5), interval(6)};
  }

  /// Rows in the order they came, `batch_size` at a time, the last batch as it is.
  BatchMeans batch_means(Index batch_size) const {
    if (batch_size < 1)
      throw Error{{.kind = ErrorKind::usage, .what = "batch without rows", .found = std::to_string(batch_size)}};
    BatchMeans sum{0, 0, 0, 0};
    for (Index begin = 0; begin < rows(); begin += batch_size) {
      const Index end = std::min(begin + batch_size, rows());
      const ConfusionMatrix matrix = confusion_of(begin, end);
      const ClassQuality usual = matrix.usual();
      const auto weight = static_cast<double>(end - begin);
      sum.mcc += weight * matrix.mcc();
      sum.f1 += weight * usual.f1;
      sum.precision += weight * usual.precision;
      sum.recall += weight * usual.recall;
    }
    const auto n = static_cast<double>(rows());  // 0 rows: 0 / 0 is NaN
    return {sum.mcc / n, sum.f1 / n, sum.precision / n, sum.recall / n};
  }

 private:
  static constexpr double nan = std::numeric_limits<double>::quiet_NaN();

  static Index largest(std::span<const double> p) { return std::max_element(p.begin(), p.end()) - p.begin(); }

  void check(Index truth, std::span<const double> p) const {
    if (static_cast<Index>(p.size()) != classes_ || truth < 0 || truth >= classes_)
      throw Error{{.kind = ErrorKind::shape,
                   .what = "row that does not fit the number of classes",
                   .expected = std::to_string(classes_) + " scores and a class from 0",
                   .found = std::to_string(p.size()) + " scores, class " + std::to_string(truth)}};
    for (const double x : p)
      if (!std::isfinite(x))
        throw Error{{.kind = ErrorKind::numeric,
                     .what = "score that is not a finite number",
                     .where = "row " + std::to_string(rows()),
                     .found = std::to_string(x)}};
  }

  void append(Index truth, Index predicted, std::span<const double> p) {
    truth_.push_back(truth);
    predicted_.push_back(predicted);
    p_.insert(p_.end(), p.begin(), p.end());
  }

  ConfusionMatrix confusion_of(Index begin, Index end) const {
    ConfusionMatrix matrix(classes_);
    for (Index row = begin; row < end; ++row) matrix.add(truth(row), predicted(row));
    return matrix;
  }

  /// Class 1 of two, else every class.
  std::vector<Ranking> rank() const {
    std::vector<Ranking> rankings;
    std::vector<double> scores(truth_.size());
    for (Index k = classes_ == 2 ? 1 : 0; k < classes_; ++k) {
      for (Index row = 0; row < rows(); ++row) scores[static_cast<std::size_t>(row)] = probability(row, k);
      rankings.emplace_back(scores);
    }
    return rankings;
  }

  template <class Curve>
  double mean_over(const std::vector<Ranking>& rankings, Curve&& curve) const {
    double sum = 0;
    for (std::size_t i = 0; i < rankings.size(); ++i) {
      const Index k = classes_ == 2 ? 1 : static_cast<Index>(i);
      sum += curve(rankings[i], [this, k](Index row) { return truth(row) == k; });
    }
    return sum / static_cast<double>(rankings.size());
  }
  template <class Times>
  double auroc(const std::vector<Ranking>& rankings, Times&& times) const {
    return mean_over(rankings, [&](const Ranking& r, auto&& positive) { return r.roc_auc(positive, times); });
  }
  template <class Times>
  double auprc(const std::vector<Ranking>& rankings, Times&& times) const {
    return mean_over(rankings, [&](const Ranking& r, auto&& positive) { return r.average_precision(positive, times); });
  }

  /// sum over bins (l, h] of (rows / n) |accuracy - mean confidence|.
  double calibration_error() const {
    constexpr std::size_t bins = 15;
    std::array<double, bins> gap{};
    for (Index row = 0; row < rows(); ++row) {
      const double confidence = probability(row, predicted(row));
      const double bin = std::ceil(confidence * double{bins}) - 1;
      gap[static_cast<std::size_t>(std::clamp(bin, 0.0, double{bins - 1}))] +=
          (truth(row) == predicted(row) ? 1.0 : 0.0) - confidence;
    }
    double sum = 0;
    for (const double difference : gap) sum += std::abs(difference);
    return sum / static_cast<double>(rows());
  }

  double brier() const {
    double sum = 0;
    for (Index row = 0; row < rows(); ++row)
      for (Index k = classes_ == 2 ? 1 : 0; k < classes_; ++k) {
        const double difference = probability(row, k) - (truth(row) == k ? 1.0 : 0.0);
        sum += difference * difference;
      }
    return sum / static_cast<double>(rows());
  }

  static double quantile(const std::vector<double>& sorted, double q) {
    if (sorted.empty()) return nan;
    const double place = q * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
  }

  Index classes_;
  std::vector<Index> truth_, predicted_;
  std::vector<double> p_;  // [rows, classes]
};

}  // namespace ligase::inline LIGASE_ISA
