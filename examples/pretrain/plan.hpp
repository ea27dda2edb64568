#pragma once

#include <pretrain/options.hpp>

namespace pretrain {

/// Sizes of a run, known before anything is allocated.
struct Plan {
  Index parameters = 0;
  double bytes = 0;       ///< most that tensors hold at once: weights, gradients, moments, activations
  double kept_bytes = 0;  ///< of these, what does not depend on the batch: weights, gradients, moments
};

/// One training step on shapes alone.
Plan plan_training(const Options& options);

}  // namespace pretrain
