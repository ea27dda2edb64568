#pragma once

#include <ligase/core/platform.hpp>

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// Rows in falling order of a score, sorted once in O(n log n); the curves below then take O(n) for any weights.
class Ranking {
 public:
  /// Scores without NaN.
  explicit Ranking(std::span<const double> scores) : order_(scores.size()), last_of_tie_(scores.size()) {
    std::iota(order_.begin(), order_.end(), Index{0});
    const auto score = [&](Index row) { return scores[static_cast<std::size_t>(row)]; };
    std::sort(order_.begin(), order_.end(), [&](Index a, Index b) {
      return score(a) > score(b) || (score(a) == score(b) && a < b);
    });
    for (std::size_t i = 0; i < order_.size(); ++i)
      last_of_tie_[i] = i + 1 == order_.size() || score(order_[i]) != score(order_[i + 1]);
  }

  /// Area under the ROC curve: the share of (positive, negative) pairs in the right order, ties count half (Mann & Whitney
  /// 1947; equal to the trapezoids of scikit-learn's roc_auc_score). positive(row) tells the class, times(row) how often
  /// the row counts. NaN where one side is missing.
  template <class Positive, class Times>
  double roc_auc(Positive&& positive, Times&& times) const {
    double positives = 0, negatives = 0, pairs = 0;
    walk(positive, times, [&](double tie_positives, double tie_negatives) {
      pairs += tie_negatives * (positives + 0.5 * tie_positives);
      positives += tie_positives;
      negatives += tie_negatives;
    });
    if (positives == 0 || negatives == 0) return std::numeric_limits<double>::quiet_NaN();
    return pairs / (positives * negatives);
  }

  /// Average precision: sum over thresholds of (R_n - R_{n-1}) P_n, without interpolation, as scikit-learn's
  /// average_precision_score; 0 where there is no positive row, NaN without rows.
  template <class Positive, class Times>
  double average_precision(Positive&& positive, Times&& times) const {
    double positives = 0, rows = 0, area = 0;
    walk(positive, times, [&](double tie_positives, double tie_negatives) {
      positives += tie_positives;
      rows += tie_positives + tie_negatives;
      if (rows > 0) area += tie_positives * (positives / rows);
    });
    if (rows == 0) return std::numeric_limits<double>::quiet_NaN();
    return positives == 0 ? 0 : area / positives;
  }

 private:
  /// group(positives, negatives) for every set of rows with one score.
  template <class Positive, class Times, class Group>
  void walk(Positive&& positive, Times&& times, Group&& group) const {
    double positives = 0, negatives = 0;
    for (std::size_t i = 0; i < order_.size(); ++i) {
      (positive(order_[i]) ? positives : negatives) += static_cast<double>(times(order_[i]));
      if (!last_of_tie_[i]) continue;
      group(positives, negatives);
      positives = negatives = 0;
    }
  }

  std::vector<Index> order_;
  std::vector<char> last_of_tie_;
};

}  // namespace ligase::inline LIGASE_ISA
