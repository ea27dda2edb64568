#pragma once

#include <ligase/core/precision.hpp>
#include <ligase/heads/classification.hpp>
#include <ligase/models/caduceus.hpp>
#include <ligase/models/cnn.hpp>
#include <ligase/models/vocabulary.hpp>
#include <ligase/seq/tokenizer/char.hpp>
#include <ligase/train/finetune.hpp>

#include <support/planted_rows.hpp>

#include <cmath>
#include <numeric>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace ligase_test {

using ligase::Index;

/// Tiny classifiers: the CNN; Caduceus-PS; Caduceus-Ph that reads one strand in training and both in evaluation; the head alone
/// of each.
enum class Tuned { cnn, ps, ph, ps_head, ph_head };

/// What two epochs of fine-tuning made.
struct Finetuned {
  ligase::FinetuneResult result;
  double loss_after = 0;              ///< on the validation rows, with the weights that it left
  std::vector<double> probabilities;  ///< of class 1, all rows at once
  std::vector<double> in_batches;     ///< the same, seven rows at a time
  std::string weights;                ///< bytes of all tensors
};

template <class M>
std::string bytes_of_tensors(M& module) {
  std::string bytes;
  ligase::visit_tensors(module, [&](const std::string&, auto& x, bool) {
    const auto host = ligase::to_host(x.value);
    bytes.append(reinterpret_cast<const char*>(host.data()), static_cast<std::size_t>(host.bytes()));
  });
  return bytes;
}

template <class Learner>
Finetuned finetune_and_score(Learner&& learner, const ligase::LabelledRows& rows, bool rc_augment) {
  using namespace ligase;
  FinetuneOptions options;
  options.epochs = 2;
  options.batch_size = 8;
  options.rc_augment = rc_augment;
  options.seed = 3;
  Context<typename std::remove_cvref_t<Learner>::DeviceType> context;
  std::vector<Index> all(static_cast<std::size_t>(rows.size()));
  std::iota(all.begin(), all.end(), Index{0});
  const RowSplit split = split_rows_for_validation(rows.size(), options.seed);
  Finetuned f;
  f.result = finetune(learner, context, rows, split.training, rows, split.validation, 2, options, [](const EpochReport&) {});
  const ClassificationScores held_out = score_rows(learner, context, rows, split.validation, 2, 8);
  for (Index i = 0; i < held_out.rows(); ++i)
    f.loss_after -= std::log(held_out.probability(i, held_out.truth(i))) / static_cast<double>(held_out.rows());
  const ClassificationScores together = score_rows(learner, context, rows, all, 2, rows.size()),
                             apart = score_rows(learner, context, rows, all, 2, 7);
  for (Index i = 0; i < rows.size(); ++i) {
    f.probabilities.push_back(together.probability(i, 1));
    f.in_batches.push_back(apart.probability(i, 1));
  }
  f.weights = bytes_of_tensors(learner.model());
  return f;
}

template <class Symmetry, class D, class P>
Finetuned finetune_caduceus(bool frozen, ligase::Conjoin conjoin, bool rc_augment) {
  using namespace ligase;
  using Backbone = BiMamba<Symmetry>;
  const LabelledRows rows(planted_rows(28, 37), CharTokenizer{}, 40);
  typename Backbone::Config config;
  config.d_model = 8;
  config.n_layer = 1;
  SequenceClassifier<Backbone, D, P> model(with_vocabulary<Backbone>(config, CharTokenizer{}),
                                           {.classes = 2, .layout = ClassifierLayout::training});
  initialize(model, 3);
  return frozen ? finetune_and_score(HeadLearner(model, conjoin), rows, rc_augment)
                : finetune_and_score(WholeLearner(model, conjoin), rows, rc_augment);
}

template <class D>
Finetuned finetuned(Tuned what) {
  using namespace ligase;
  if (what == Tuned::cnn) {
    const LabelledRows rows(planted_rows(28, 57), CharTokenizer{}, 60);
    CnnClassifier<D, fp32> model(CnnConfig{.input_len = rows.length()});
    initialize(model, 3);
    return finetune_and_score(WholeLearner(model, Conjoin::none), rows, false);
  }
  if (what == Tuned::ps || what == Tuned::ps_head)
    return finetune_caduceus<RCPS, D, fp32>(what == Tuned::ps_head, Conjoin::none, false);
  return finetune_caduceus<None, D, fp32>(what == Tuned::ph_head, Conjoin::test, true);
}

Finetuned finetuned_on_cuda(Tuned what);
/// Caduceus-PS alone.
Finetuned finetuned_on_cuda_in_bfloat16(Tuned what);
/// Whether weights that have changed come back.
bool snapshot_restores_on_cuda();
/// Whether these files were compiled for a GPU; the emulated one runs in one thread alone.
bool runs_on_gpu();

}  // namespace ligase_test
