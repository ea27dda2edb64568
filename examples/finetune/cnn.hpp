#pragma once

#include <finetune/train.hpp>

#include <ligase/core/precision.hpp>
#include <ligase/models/cnn.hpp>

namespace ligase_cli {

template <class D>
RunOutcome run_cnn(const RunJob& job) {
  using namespace ligase;
  CnnConfig config;
  config.number_of_classes = job.settings.classes;
  config.vocab_size = job.settings.tokenizer.vocab_size();
  config.input_len = job.settings.max_length;
  CnnClassifier<D, fp32> model(config);
  initialize(model, job.identity.seed);
  WholeLearner learner(model, Conjoin::none);
  return train_and_score(job, learner);
}

}  // namespace ligase_cli
