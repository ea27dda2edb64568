#pragma once

#include <pretrain/options.hpp>
#include <pretrain/plan.hpp>

#include <ligase/core/cuda/planning.hpp>
#include <ligase/core/memory.hpp>
#include <ligase/heads/language_model.hpp>

#include <memory>
#include <utility>
#include <vector>

namespace pretrain {

using namespace ligase;

/// What a training step over `batch` windows holds on device D, without running it: on `meta` by the host's operations, on
/// `cuda` by its own.
template <class Backbone, class D, class P>
Plan measure_step(const typename Backbone::Config& config, const Recompute& recompute, Index batch, Index tokens,
                  bool packed) {
  return device::planned<D>([&] {
    MemoryCounter& counter = memory_counter<D>();
    counter.reset_peak();
    const Index before = counter.live;
    LanguageModel<Backbone, D, P> network(config);
    set_recompute(network.backbone.stack, recompute);
    allocate_gradients(network);
    Plan plan;
    plan.parameters = parameter_count(network);
    const double moments = 2.0 * sizeof(float) * static_cast<double>(plan.parameters);
    plan.kept_bytes = static_cast<double>(counter.live - before) + moments;
    Context<D> context;
    Shape shape{batch, tokens};
    if (packed) {
      auto offsets = std::make_shared<std::vector<Index>>();
      for (Index i = 0; i <= batch; ++i) offsets->push_back(i * tokens);
      context.offsets = std::move(offsets);
      shape = {1, batch * tokens};
    }
    const Tensor<std::int32_t, D> ids(shape), labels(shape);
    network.loss_and_gradients(context, ids, labels, 0);
    plan.bytes = static_cast<double>(counter.peak - before) + moments;
    return plan;
  });
}

}  // namespace pretrain
