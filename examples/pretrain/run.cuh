#pragma once

#include <pretrain/run.hpp>

#include <ligase/train/cuda/captured_step.cuh>

namespace pretrain {

/// Recorded once and replayed, where batches have one shape.
template <class Network>
struct MicroBatch<Network, ligase::cuda> : CapturedStep<Network> {
  using CapturedStep<Network>::CapturedStep;
};

}  // namespace pretrain
