// A user's program: trains a tiny model for two steps on a FASTA file of its own.
#include <ligase/genome.hpp>
#include <ligase/ligase.hpp>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <memory>

int main() {
  {
    std::ofstream file("genome.fa");
    file << ">one\n";
    for (int line = 0; line < 40; ++line) file << "ACGTTGCAGGCATTACCGATTTGACCATGGCA\n";
  }
  const auto fasta = std::make_shared<const ligase::Fasta>("genome.fa");
  constexpr ligase::Index length = 32;
  const ligase::Windows windows(ligase::split_rows(*fasta, length), "train", length, ligase::IntervalMode::strict,
                                fasta->contigs(), "");
  const ligase::BatchMaker batches(std::make_shared<const ligase::FastaDataset>(fasta, windows), ligase::CharTokenizer{},
                                   {.batch_size = 4, .length = length, .mlm_probability = 0.5, .training = true});

  ligase::Model<ligase::BiMamba<ligase::None>, ligase::CharTokenizer> model({.d_model = 16, .n_layer = 1}, /*seed=*/1);
  ligase::AdamW<float> optimizer;
  ligase::Trainer trainer(model, optimizer, ligase::pretraining_schedule(8e-3, 2), {.steps = 2});
  ligase::Context<> context;
  trainer.run(
      context, [&](ligase::Index i) { return batches(i); },
      [](auto& c, auto& m, const ligase::Batch& batch) {
        const auto loss = m.network().loss_and_gradients(c, batch.ids, batch.labels, ligase::CharTokenizer::pad);
        return ligase::BatchResult{loss.loss, batch.ids.count()};
      });
  std::printf("trained %lld steps on %lld windows: loss %g\n", static_cast<long long>(trainer.step()),
              static_cast<long long>(windows.size()), trainer.state().last_loss);
  return trainer.step() == 2 && std::isfinite(trainer.state().last_loss) && trainer.state().last_loss > 0 ? 0 : 1;
}
