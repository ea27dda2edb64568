#pragma once

#include <ligase/core/platform.hpp>
#include <ligase/core/precision.hpp>

#include <span>
#include <string>
#include <type_traits>
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
  share,    ///< of positions that are right: a count of decisions
  real,     ///< a real number of a JSON file: the same in every precision
  exact
};

/// How the reference numbers are kept.
enum class Storage {
  rounded,  ///< float32, rounded from double
  full      ///< double
};

/// Number types of a run; fp64 on the host only, bf16 on a GPU only.
enum class Arithmetic { fp64, fp32, bf16 };
template <class P>
inline constexpr Arithmetic arithmetic_of = std::is_same_v<P, ligase::fp64>   ? Arithmetic::fp64
                                            : std::is_same_v<P, ligase::bf16> ? Arithmetic::bf16
                                                                              : Arithmetic::fp32;

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
///                  float           double           bfloat16
///   output         5e-6            1e-10, 1e-7      3e-2
///   gradient       1e-5            1e-10, 1e-7      6e-2             or max abs 1e-6, 1e-12, 1e-3 where the true one vanishes
///   loss           2e-6            1e-10, 1e-7      8e-3
///   training_loss  max abs 1e-5    1e-10, 1e-7      max abs 5e-2
///   gradient_norm  1e-5 of each    1e-10, 1e-7      5e-2 of each
///   weights        max abs 2e-5    1e-10, 1e-7      max abs 5e-2
///   share          5e-6            1e-10, 1e-7      max abs 0.1
///   real           1e-12 of each   1e-12 of each    1e-12 of each
///   exact          equal           equal            equal
/// bfloat16 rounds by up to 2^-9 = 0.2 %. Serial code that stores every activation in it and computes in float is off by 1.1e-2
/// in hidden states, 2.2e-2 in gradients and 2.6e-3 in the loss at most (caduceus_ps and its variants, caduceus_ph, mamba_lm): three
/// times that is allowed, since a fused kernel rounds elsewhere. Of a run of AdamW, whose first steps move a weight with a
/// gradient near zero by the learning rate in either direction, only large faults can be seen.
double share_of_bound(const Deviation& d, Quantity quantity, Storage storage, Arithmetic arithmetic);

/// What a case has shown so far: how much was compared, the worst of it, and what failed.
class Tally {
 public:
  explicit Tally(Arithmetic arithmetic) : arithmetic_(arithmetic) {}

  Arithmetic arithmetic() const { return arithmetic_; }
  bool in_double() const { return arithmetic_ == Arithmetic::fp64; }
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
  Arithmetic arithmetic_;
  Index compared_ = 0, failures_ = 0;
  std::string first_failure_, worst_name_;
  double worst_share_ = -1;
  Deviation worst_;
};

}  // namespace ligase_verify
