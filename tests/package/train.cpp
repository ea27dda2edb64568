// A user's program: trains a tiny model for two steps, in a project that knows nothing of this one but its name.
#include "two_steps.hpp"

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
  const ligase::TrainState state = two_steps(model, batches);

  const float after = model.logits("ACGTTGCA").data()[0];
  std::printf("trained %lld steps: loss %g, a logit %g -> %g\n", static_cast<long long>(state.step),
              state.last_loss, static_cast<double>(before), static_cast<double>(after));
  const bool learned = trained(state) && std::isfinite(after) && before != after;
  return learned ? 0 : 1;
}
