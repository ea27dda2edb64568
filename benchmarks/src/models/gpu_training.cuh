#pragma once

#include "batches.hpp"
#include "gpu.hpp"

#include <ligase/instantiate.hpp>
#include <ligase/model.hpp>
#include <ligase/seq/tokenizer/char.hpp>
#include <ligase/train/cuda/captured_step.cuh>
#include <ligase/train/loop.hpp>

#include <utility>
#include <vector>

namespace ligase_benchmark {

template <class Backbone, class P>
GpuTiming time_gpu_training(const GpuCase& c, double budget) {
  using namespace ligase;
  using Network = LanguageModel<Backbone, ligase::cuda, P>;
  constexpr Index steps = 1000000;
  typename Backbone::Config config;
  config.d_model = c.d_model;
  config.n_layer = c.n_layer;
  Model<Backbone, CharTokenizer, ligase::cuda, P> model(config, 1);
  auto& stack = model.network().backbone.stack;
  for (auto& layer : stack.layers) layer.recompute = c.recompute == 1;
  stack.recompute = c.recompute > 1 ? c.recompute : 0;

  AdamW<typename P::Weight, ligase::cuda> optimizer;
  TrainOptions options;
  options.steps = steps;
  Trainer trainer(model, optimizer, pretraining_schedule(1e-3, steps), options);
  const std::vector<Batch> batches = random_batches(4, c.batch, c.length, Backbone::causal);
  CapturedStep<Network> micro_batch(model.network(), model.config().padded_vocab_size(), CharTokenizer::pad);
  Context<ligase::cuda> context;
  context.random.seed = 1;
  struct {
    bool should_stop() const { return true; }
  } one_step;
  const auto step = [&] {
    trainer.run(
        context, [&](Index i) { return batches[static_cast<std::size_t>(i) % batches.size()]; },
        [&](Context<ligase::cuda>& inner, auto&, const Batch& batch) { return micro_batch(inner, batch); }, one_step);
    device::synchronize(ligase::cuda{});
  };
  // The first two batches of a shape run kernel by kernel, the third is recorded.
  for (int i = 0; i < 3; ++i) step();
  GpuTiming t;
  t.time = measure(step, 0.2, budget);
  t.parameters = parameter_count(model);
  t.tensor_peak_bytes = memory_counter<ligase::cuda>().peak.load();
  t.loss = trainer.state().last_loss;
  return t;
}

}  // namespace ligase_benchmark
