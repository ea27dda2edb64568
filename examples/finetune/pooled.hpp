#pragma once

#include <finetune/train.hpp>

#include <ligase/core/precision.hpp>
#include <ligase/heads/classification.hpp>
#include <ligase/instantiate.hpp>
#include <ligase/io/weights_file.hpp>
#include <ligase/models/checkpoint_folder.hpp>
#include <ligase/models/vocabulary.hpp>
#include <ligase/models/weights.hpp>

#include <utility>

namespace ligase_cli {

/// A run of a backbone with a pooled head in the training repository's form: mean over all positions, Linear with bias.
template <class Backbone, class D, class P>
RunOutcome run_pooled(const RunJob& job) {
  using namespace ligase;
  using Network = SequenceClassifier<Backbone, D, P>;
  const RunSettings& s = job.settings;
  const ClassifierConfig head{.classes = s.classes, .pooling = Pooling::mean, .layout = ClassifierLayout::training};
  Network model;
  if (s.checkpoint.empty()) {
    typename Backbone::Config config;
    config.d_model = s.d_model;
    config.n_layer = s.n_layer;
    model = Network(with_vocabulary<Backbone>(std::move(config), s.tokenizer), head);
    initialize(model, job.identity.seed);
  } else {
    const CheckpointFiles files = find_checkpoint_files(s.checkpoint);
    const std::string where = files.config.string();
    const auto config = Backbone::read_config(parse_json_file<Json>(where), where);
    if (config.padded_vocab_size() < s.tokenizer.vocab_size())
      throw Error{{.kind = ErrorKind::input,
                   .what = "the checkpoint's vocabulary is smaller than the tokenizer's",
                   .where = where,
                   .expected = "at least " + std::to_string(s.tokenizer.vocab_size()),
                   .found = std::to_string(config.padded_vocab_size())}};
    const StateDict weights = open_weights(files.weights);
    Backbone::check_against_weights(config, where, weights.data_bytes());
    model = Network(config, head);
    initialize(model, job.identity.seed);
    load_weights(model, weights, {.fresh_head = true});
  }
  if (job.task == nullptr) return {};
  if (s.frozen) {
    HeadLearner learner(model, conjoin_of(s));
    return train_and_score(job, learner);
  }
  WholeLearner learner(model, conjoin_of(s));
  return train_and_score(job, learner);
}

}  // namespace ligase_cli
