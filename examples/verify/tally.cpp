#include "tally.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace ligase_verify {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// 0 within 0 is fine, anything else is not.
double share(double deviation, double bound) {
  if (deviation == 0) return 0;
  return bound == 0 ? infinity : deviation / bound;
}

std::string text(double x) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.3g", x);
  return buffer;
}

double share_in_bfloat16(const Deviation& d, Quantity quantity) {
  switch (quantity) {
    case Quantity::gradient: {
      const double relative = share(d.relative_l2, 6e-2);
      return d.largest_expected <= 1e-12 ? std::min(relative, share(d.max_abs, 1e-3)) : relative;
    }
    case Quantity::loss: return share(d.relative_l2, 8e-3);
    case Quantity::training_loss: return share(d.max_abs, 5e-2);
    case Quantity::gradient_norm: return share(d.max_relative, 5e-2);
    case Quantity::weights: return share(d.max_abs, 5e-2);
    case Quantity::share: return share(d.max_abs, 0.1);
    default: return share(d.relative_l2, 3e-2);
  }
}

}  // namespace

Deviation measure(std::span<const double> expected, std::span<const double> found) {
  Deviation d;
  for (double e : expected) {
    d.is_finite = d.is_finite && std::isfinite(e);
    d.largest_expected = std::max(d.largest_expected, std::fabs(e));
  }
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    d.is_finite = d.is_finite && std::isfinite(found[i]);
    const double off = std::fabs(found[i] - expected[i]), size = std::fabs(expected[i]);
    d.max_abs = std::max(d.max_abs, off);
    d.max_relative = std::max(d.max_relative, share(off, size));
    if (d.largest_expected == 0) continue;
    difference += (off / d.largest_expected) * (off / d.largest_expected);
    norm += (size / d.largest_expected) * (size / d.largest_expected);
  }
  d.relative_l2 = d.largest_expected == 0 ? share(d.max_abs, 0) : std::sqrt(difference / norm);
  return d;
}

double share_of_bound(const Deviation& d, Quantity quantity, Storage storage, Arithmetic arithmetic) {
  const bool in_double = arithmetic == Arithmetic::fp64;
  if (!d.is_finite) return infinity;
  if (quantity == Quantity::exact) return share(d.max_abs, 0);
  if (quantity == Quantity::real) return share(d.max_relative, 1e-12);
  if (arithmetic == Arithmetic::bf16) return share_in_bfloat16(d, quantity);
  const double in_full = storage == Storage::full ? 1e-10 : 1e-7;
  if (quantity == Quantity::gradient) {
    // The reference knows a gradient that vanishes to about 1e-16.
    const double relative = share(d.relative_l2, in_double ? in_full : 1e-5);
    return d.largest_expected <= 1e-12 ? std::min(relative, share(d.max_abs, in_double ? 1e-12 : 1e-6)) : relative;
  }
  if (in_double) return share(d.relative_l2, in_full);
  switch (quantity) {
    case Quantity::loss: return share(d.relative_l2, 2e-6);
    case Quantity::training_loss: return share(d.max_abs, 1e-5);
    case Quantity::gradient_norm: return share(d.max_relative, 1e-5);
    case Quantity::weights: return share(d.max_abs, 2e-5);
    default: return share(d.relative_l2, 5e-6);
  }
}

void Tally::numbers(const std::string& name, std::span<const double> expected, std::span<const double> found,
                    Quantity quantity, Storage storage) {
  ++compared_;
  const Deviation d = measure(expected, found);
  const double part = share_of_bound(d, quantity, storage, arithmetic_);
  if (part > worst_share_) {
    worst_share_ = part;
    worst_name_ = name;
    worst_ = d;
  }
  if (!d.is_finite)
    failure(name + ": NaN or infinity");
  else if (!(part <= 1))
    failure(name + ": relative L2 " + text(d.relative_l2) + ", max abs " + text(d.max_abs) + ", " + text(part) +
            " times the bound");
}

void Tally::agree(const std::string& name, bool equal, const std::string& expected, const std::string& found) {
  ++compared_;
  if (!equal) failure(name + ": expected " + expected + ", found " + found);
}

void Tally::failure(const std::string& reason) {
  if (failures_++ == 0) first_failure_ = reason;
}

std::string Tally::reason() const {
  if (failures_ == 0) return compared_ == 0 ? "the case holds no result" : "";
  return first_failure_ + (failures_ > 1 ? " (and " + std::to_string(failures_ - 1) + " more)" : "");
}

}  // namespace ligase_verify
