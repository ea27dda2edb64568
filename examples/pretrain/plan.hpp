#pragma once

#include <pretrain/options.hpp>

namespace pretrain {

/// Sizes of a run, known before anything is allocated.
struct Plan {
  Index parameters = 0;
  double bytes = 0;       ///< most that tensors hold at once: weights, gradients, moments, activations
  double kept_bytes = 0;  ///< of these, what does not depend on the batch: weights, gradients, moments
  Index pass_room = 0;    ///< of the memory in which a GPU's recorded pass works; 0: none of its own
};

/// Tokens of a window of bases as a model sees it; of packed windows those of random A, C, G, T.
Index tokens_of_window(const Options& options);

/// One training step of the host on shapes alone.
Plan plan_training(const Options& options);

}  // namespace pretrain
