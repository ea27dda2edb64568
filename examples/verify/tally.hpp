#pragma once

#include <ligase/core/platform.hpp>

#include <span>
#include <string>
#include <vector>

namespace ligase_verify {

using ligase::Index;

/// What a number is decides how far it may be off.
enum class Quantity {
  output,  ///< hidden states, logits, what an operation gives
  gradient,
  loss,
  training_loss,  ///< of one step of a training run
  gradient_norm,
  weights,  ///< after training
  real,     ///< a real number of a JSON file: the same in every precision
  exact
};

/// How the reference numbers are kept.
enum class Storage {
  rounded,  ///< float32, rounded from double
  full      ///< double
};

struct Deviation {
  double relative_l2 = 0;       ///< |found - expected| / |expected|; infinite where only the latter is 0
  double max_abs = 0;           ///< largest |found - expected|
  double max_relative = 0;      ///< largest |found - expected| / |expected|, element by element
  double largest_expected = 0;  ///< largest |expected|
  bool is_finite = true;        ///< both sides
};

Deviation measure(std::span<const double> expected, std::span<const double> found);

/// Deviation over bound, so that up to 1 is within it. Bounds in float: ten times the error of the reference in float32
/// (golden README, Tolerances); in double: 1e-10 where the reference is stored in double, 1e-7 where it was rounded to
/// float32. Relative L2 per tensor unless said otherwise:
///                  float                     double
///   output         5e-6                      1e-10, 1e-7
///   gradient       1e-5                      1e-10, 1e-7    or max abs 1e-6 (1e-12) where the true one vanishes
///   loss           2e-6                      1e-10, 1e-7
///   training_loss  max abs 1e-5              1e-10, 1e-7
///   gradient_norm  1e-5 of each              1e-10, 1e-7
///   weights        max abs 2e-5              1e-10, 1e-7
///   real           1e-12 of each             1e-12 of each
///   exact          equal                     equal
double share_of_bound(const Deviation& d, Quantity quantity, Storage storage, bool in_double);

/// What a case has shown so far: how much was compared, the worst of it, and what failed.
class Tally {
 public:
  explicit Tally(bool in_double) : in_double_(in_double) {}

  bool in_double() const { return in_double_; }
  /// Compares numbers of equal count; anything that is not finite fails.
  void numbers(const std::string& name, std::span<const double> expected, std::span<const double> found,
               Quantity quantity, Storage storage = Storage::full);
  /// Counts a comparison of what are not numbers.
  void agree(const std::string& name, bool equal, const std::string& expected, const std::string& found);
  void failure(const std::string& reason);

  bool failed() const { return failures_ > 0 || compared_ == 0; }
  /// The first failure and how many there were; empty where nothing failed.
  std::string reason() const;
  Index compared() const { return compared_; }
  const std::string& worst_name() const { return worst_name_; }
  const Deviation& worst() const { return worst_; }

 private:
  bool in_double_;
  Index compared_ = 0, failures_ = 0;
  std::string first_failure_, worst_name_;
  double worst_share_ = -1;
  Deviation worst_;
};

}  // namespace ligase_verify
