#pragma once

#include <ligase/core/error.hpp>

#include <cmath>
#include <string>

namespace ligase::inline LIGASE_ISA {

/// Learning rate with linear warm-up and one half-wave of cosine decay, per optimiser step t = 0, 1, ...; the first
/// step uses rate(0). Reproduces timm's CosineLRScheduler with one cycle, as kuleshov-group/caduceus sets it up.
///   t < warmup_t:     rate = warmup_lr_init + t (base_lr - warmup_lr_init) / warmup_t
///   otherwise, with tau = t - warmup_t where warmup_prefix is set and tau = t where not:
///   tau < t_initial:  rate = lr_min + (base_lr - lr_min) (1 + cos(pi tau / t_initial)) / 2
///   tau >= t_initial: rate = lr_min
/// Without warmup_prefix the rate jumps down at the end of the warm-up.
struct CosineSchedule {
  double base_lr = 0;
  double warmup_t = 0;  ///< steps, may be a fraction
  double t_initial = 0;
  double warmup_lr_init = 1e-6;
  double lr_min = 0;
  bool warmup_prefix = true;

  double rate(Index step) const {
    const auto t = static_cast<double>(step);
    if (t < warmup_t) return warmup_lr_init + t * ((base_lr - warmup_lr_init) / warmup_t);
    const double tau = warmup_prefix ? t - warmup_t : t;
    if (!(tau < t_initial)) return lr_min;
    return lr_min + 0.5 * (base_lr - lr_min) * (1 + std::cos(3.14159265358979323846 * tau / t_initial));
  }

  /// True where the "decay" after the warm-up goes up: lr_min of the pretraining recipe is absolute, and a small
  /// base_lr lies below it. Programs warn then.
  bool rises() const { return lr_min > base_lr; }
};

namespace detail {
inline void check_base_lr(double base_lr) {
  if (!(base_lr > 0) || !std::isfinite(base_lr))
    throw Error{{.kind = ErrorKind::usage,
                 .what = "bad learning rate",
                 .expected = "a finite number above 0",
                 .found = std::to_string(base_lr)}};
}
inline void check_positive(const char* what, Index value) {
  if (value <= 0)
    throw Error{{.kind = ErrorKind::usage,
                 .what = std::string("bad ") + what,
                 .expected = "a number above 0",
                 .found = std::to_string(value)}};
}
}  // namespace detail

/// Pretraining in kuleshov-group/caduceus: warm-up over a tenth of `max_steps`, then down to 1e-4 at the last step.
inline CosineSchedule pretraining_schedule(double base_lr, Index max_steps) {
  detail::check_base_lr(base_lr);
  detail::check_positive("number of steps", max_steps);
  const auto steps = static_cast<double>(max_steps);
  const double warmup = 0.1 * steps;
  return {.base_lr = base_lr, .warmup_t = warmup, .t_initial = steps - warmup, .lr_min = 1e-4};
}

/// Fine-tuning in kuleshov-group/caduceus: T = ceil(samples / batch_size) epochs, warm-up over T / 100 on the cosine's
/// own clock, then down to a tenth of base_lr. The original takes train and test files together as `samples`; give it
/// the same number to get the same rates.
inline CosineSchedule finetuning_schedule(double base_lr, Index samples, Index batch_size, Index epochs) {
  detail::check_base_lr(base_lr);
  detail::check_positive("number of training samples", samples);
  detail::check_positive("batch size", batch_size);
  detail::check_positive("number of epochs", epochs);
  const auto steps = static_cast<double>((samples + batch_size - 1) / batch_size * epochs);
  return {.base_lr = base_lr,
          .warmup_t = 0.01 * steps,
          .t_initial = steps,
          .lr_min = 0.1 * base_lr,
          .warmup_prefix = false};
}

/// The same rate at every step.
struct ConstantSchedule {
  double base_lr = 0;
  double rate(Index) const { return base_lr; }
};

}  // namespace ligase::inline LIGASE_ISA
