// A user's program: trains a tiny model for two steps, in a project that knows nothing of this one but its name.
#include <ligase/data/batch.hpp>
#include <ligase/ligase.hpp>

#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#if !defined(EIGEN_DONT_PARALLELIZE) || !defined(_OPENMP) || __cplusplus < 202002L
#error "ligase::ligase must pass on EIGEN_DONT_PARALLELIZE, OpenMP and C++20"
#endif

int main() {
  using Caduceus = ligase::Model<ligase::BiMamba<ligase::RCPS>, ligase::CharTokenizer>;
  Caduceus model({.d_model = 16, .n_layer = 1}, /*seed=*/1);
  const float before = model.logits("ACGTTGCA").data()[0];

  const auto sequences = std::make_shared<const ligase::SequenceDataset>(std::vector<std::string>(8, "ACGTTGCAGGCATTACCGAT"));
  const ligase::BatchMaker batches(sequences, ligase::CharTokenizer{},
                                   {.batch_size = 4, .length = 20, .mlm_probability = 0.5, .training = true, .seed = 1});
  ligase::AdamW<float> optimizer;
  ligase::Trainer trainer(model, optimizer, ligase::pretraining_schedule(8e-3, 2), {.steps = 2});
  ligase::Context<> context;
  trainer.run(
      context, [&](ligase::Index i) { return batches(i); },
      [](auto& c, auto& m, const ligase::Batch& batch) {
        const auto loss = m.network().loss_and_gradients(c, batch.ids, batch.labels, ligase::CharTokenizer::pad);
        return ligase::BatchResult{loss.loss, batch.ids.count()};
      });

  const float after = model.logits("ACGTTGCA").data()[0];
  std::printf("trained %lld steps: loss %g, a logit %g -> %g\n", static_cast<long long>(trainer.step()),
              trainer.state().last_loss, static_cast<double>(before), static_cast<double>(after));
  const bool learned = trainer.step() == 2 && std::isfinite(trainer.state().last_loss) && trainer.state().last_loss > 0 &&
                       std::isfinite(after) && before != after;
  return learned ? 0 : 1;
}
