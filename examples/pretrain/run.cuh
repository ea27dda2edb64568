#pragma once

#include <pretrain/measure.hpp>
#include <pretrain/room.cuh>
#include <pretrain/run.hpp>

#include <ligase/train/cuda/captured_step.cuh>

namespace pretrain {

/// By the GPU's own operations.
template <class Backbone, class P>
struct Planner<Backbone, ligase::cuda, P> {
  static Plan plan(const Options& o) {
    const auto config = config_of<Backbone>(o);
    const Index tokens = tokens_of_window(o);
    Plan plan = measure_step<Backbone, ligase::cuda, P>(config, o.recompute, o.batch_size, tokens, o.packed);
    if (!o.packed)
      plan.pass_room = room_of_pass<Backbone, P>(config, o.recompute, o.batch_size, tokens, plan.bytes - plan.kept_bytes);
    return plan;
  }
};

/// Recorded once and replayed, where batches have one shape.
template <class Network>
struct MicroBatch<Network, ligase::cuda> : CapturedStep<Network> {
  using CapturedStep<Network>::CapturedStep;
};

}  // namespace pretrain
