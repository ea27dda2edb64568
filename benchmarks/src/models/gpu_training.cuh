#pragma once

#include "batches.hpp"
#include "gpu.hpp"

#include <ligase/instantiate.hpp>
#include <ligase/model.hpp>
#include <ligase/seq/tokenizer/char.hpp>
#include <ligase/train/cuda/captured_step.cuh>
#include <ligase/train/loop.hpp>

#include <algorithm>
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
  pretrain::set_recompute(model.network().backbone.stack, c.recompute);

  AdamW<typename P::Weight, ligase::cuda> optimizer;
  TrainOptions options;
  options.steps = steps;
  Trainer trainer(model, optimizer, pretraining_schedule(1e-3, steps), options);
  const std::vector<Batch> batches = random_batches(4, c.batch, c.length, Backbone::causal);
  CapturedStep<Network> micro_batch(model.network(), model.config().padded_vocab_size(), CharTokenizer::pad);
  Context<ligase::cuda> context;
  context.random.seed = 1;
  // A run gives the device one step after another and waits at its end.
  struct Steps {
    Index left = 0;
    bool should_stop() const { return left == 0; }
  } steps_of_run;
  const auto run = [&](Index n) {
    steps_of_run.left = n;
    trainer.run(
        context,
        [&](Index i) {
          --steps_of_run.left;
          return batches[static_cast<std::size_t>(i) % batches.size()];
        },
        [&](Context<ligase::cuda>& inner, auto&, const Batch& batch) { return micro_batch(inner, batch); }, steps_of_run);
    device::synchronize(ligase::cuda{});
  };
  // The first batch of a shape runs kernel by kernel, the second is recorded.
  run(3);
  const double one = measure([&] { run(1); }, 0, 0, 1).median;
  const auto n = std::clamp<Index>(static_cast<Index>(0.1 / one), 1, 1000);
  GpuTiming t;
  t.time = measure([&] { run(n); }, 0.2, budget);
  for (double* seconds : {&t.time.least, &t.time.median, &t.time.most}) *seconds /= static_cast<double>(n);
  t.parameters = parameter_count(model);
  t.tensor_peak_bytes = memory_counter<ligase::cuda>().peak.load();
  t.loss = trainer.state().last_loss;
  return t;
}

}  // namespace ligase_benchmark
