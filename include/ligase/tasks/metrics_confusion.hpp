#pragma once

#include <ligase/core/error.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// Precision TP / (TP + FP), recall TP / (TP + FN) and F1 = 2 TP / (2 TP + FP + FN); 0 where the denominator is 0
/// (scikit-learn's zero_division = 0).
struct ClassQuality {
  double precision = 0, recall = 0, f1 = 0;
};

/// Counts of (true class, predicted class) pairs and what follows from them, with scikit-learn's conventions. All
/// numbers are NaN before the first row.
class ConfusionMatrix {
 public:
  explicit ConfusionMatrix(Index classes) : classes_(classes), counts_(static_cast<std::size_t>(classes * classes)) {}

  void add(Index truth, Index predicted, Index times = 1) {
    if (truth < 0 || truth >= classes_ || predicted < 0 || predicted >= classes_)
      throw Error{{.kind = ErrorKind::internal,
                   .what = "class outside the confusion matrix",
                   .expected = "0 to " + std::to_string(classes_ - 1),
                   .found = std::to_string(truth) + ", " + std::to_string(predicted)}};
    counts_[static_cast<std::size_t>(truth * classes_ + predicted)] += times;
  }
  void clear() { counts_.assign(counts_.size(), 0); }

  Index classes() const { return classes_; }
  Index at(Index truth, Index predicted) const {
    return counts_[static_cast<std::size_t>(truth * classes_ + predicted)];
  }
  Index rows() const {
    Index sum = 0;
    for (const Index count : counts_) sum += count;
    return sum;
  }
  Index correct() const {
    Index sum = 0;
    for (Index k = 0; k < classes_; ++k) sum += at(k, k);
    return sum;
  }
  /// Rows whose true class is k.
  Index support(Index k) const {
    Index sum = 0;
    for (Index j = 0; j < classes_; ++j) sum += at(k, j);
    return sum;
  }
  /// Rows whose predicted class is k.
  Index predicted(Index k) const {
    Index sum = 0;
    for (Index i = 0; i < classes_; ++i) sum += at(i, k);
    return sum;
  }

  double accuracy() const { return rows() == 0 ? nan : ratio(correct(), rows()); }

  /// Matthews correlation for any number of classes (Gorodkin 2004): (c s - sum p_k t_k) / sqrt((s^2 - sum p_k^2)
  /// (s^2 - sum t_k^2)); 0 where either side has one class only, all correct included, as scikit-learn's
  /// matthews_corrcoef. Exact sums up to 3e9 rows.
  double mcc() const {
    const Index s = rows();
    if (s == 0) return nan;
    Index cross = correct() * s, predictions = s * s, truths = s * s;
    for (Index k = 0; k < classes_; ++k) {
      const Index p = predicted(k), t = support(k);
      cross -= p * t;
      predictions -= p * p;
      truths -= t * t;
    }
    if (predictions == 0 || truths == 0) return 0;
    return static_cast<double>(cross) / std::sqrt(static_cast<double>(predictions) * static_cast<double>(truths));
  }

  /// One class against the rest.
  ClassQuality quality(Index k) const {
    if (rows() == 0) return {nan, nan, nan};
    const Index tp = at(k, k), p = predicted(k), t = support(k);
    return {ratio(tp, p), ratio(tp, t), ratio(2 * tp, p + t)};
  }
  /// Mean over the classes that occur as truth or as prediction (scikit-learn's average="macro"; classes that occur in
  /// neither do not count).
  ClassQuality macro() const {
    if (rows() == 0) return {nan, nan, nan};
    ClassQuality sum;
    double present = 0;
    for (Index k = 0; k < classes_; ++k) {
      if (support(k) == 0 && predicted(k) == 0) continue;
      const ClassQuality one = quality(k);
      sum.precision += one.precision;
      sum.recall += one.recall;
      sum.f1 += one.f1;
      ++present;
    }
    return {sum.precision / present, sum.recall / present, sum.f1 / present};
  }
  /// What the columns f1, precision and recall of a run hold: class 1 of two (average="binary"), macro for more.
  ClassQuality usual() const { return classes_ == 2 ? quality(1) : macro(); }

 private:
  static constexpr double nan = std::numeric_limits<double>::quiet_NaN();

  static double ratio(Index a, Index b) { return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b); }

  Index classes_;
  std::vector<Index> counts_;
};

}  // namespace ligase::inline LIGASE_ISA
