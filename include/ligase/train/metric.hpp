#pragma once

#include <ligase/core/platform.hpp>

#include <cmath>
#include <limits>

namespace ligase::inline LIGASE_ISA {

/// Mean loss over batches, each weighted by the number of targets that its own mean was taken over.
class MeanLoss {
 public:
  /// A batch without targets has no mean and changes nothing.
  void update(double batch_mean, Index targets) {
    if (targets <= 0) return;
    sum_ += batch_mean * static_cast<double>(targets);
    targets_ += targets;
  }
  Index targets() const { return targets_; }
  /// NaN before the first target.
  double value() const {
    return targets_ > 0 ? sum_ / static_cast<double>(targets_) : std::numeric_limits<double>::quiet_NaN();
  }
  /// exp(value()) for a loss in nats.
  double perplexity() const { return std::exp(value()); }
  void reset() { *this = {}; }

 private:
  double sum_ = 0;
  Index targets_ = 0;
};

/// Share of correct answers.
class Accuracy {
 public:
  void update(Index correct, Index answers) {
    correct_ += correct;
    answers_ += answers;
  }
  Index answers() const { return answers_; }
  /// NaN before the first answer.
  double value() const {
    return answers_ > 0 ? static_cast<double>(correct_) / static_cast<double>(answers_)
                        : std::numeric_limits<double>::quiet_NaN();
  }
  void reset() { *this = {}; }

 private:
  Index correct_ = 0;
  Index answers_ = 0;
};

}  // namespace ligase::inline LIGASE_ISA
