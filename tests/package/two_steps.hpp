#pragma once

#include <ligase/data/batch.hpp>
#include <ligase/ligase.hpp>

#include <cmath>

/// Trains a user's model for two steps on these batches; the state afterwards.
inline ligase::TrainState two_steps(auto& model, const auto& batches) {
  ligase::AdamW<float> optimizer;
  ligase::Trainer trainer(model, optimizer, ligase::pretraining_schedule(8e-3, 2), {.steps = 2});
  ligase::Context<> context;
  trainer.run(
      context, [&](ligase::Index i) { return batches(i); },
      [](auto& c, auto& m, const ligase::Batch& batch) {
        const auto loss = m.network().loss_and_gradients(c, batch.ids, batch.labels, ligase::CharTokenizer::pad);
        return ligase::BatchResult{loss.loss, batch.ids.count()};
      });
  return trainer.state();
}

inline bool trained(const ligase::TrainState& state) {
  return state.step == 2 && std::isfinite(state.last_loss) && state.last_loss > 0;
}
