// A user's program: trains a tiny model for two steps on a FASTA file of its own.
#include "../two_steps.hpp"

#include <ligase/genome.hpp>

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
  const ligase::TrainState state = two_steps(model, batches);
  std::printf("trained %lld steps on %lld windows: loss %g\n", static_cast<long long>(state.step),
              static_cast<long long>(windows.size()), state.last_loss);
  return trained(state) ? 0 : 1;
}
