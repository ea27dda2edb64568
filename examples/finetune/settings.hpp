#pragma once

#include <finetune/protocol.hpp>
#include <finetune/sweep.hpp>

#include <ligase/data/task.hpp>
#include <ligase/seq/tokenizer/any.hpp>
#include <ligase/seq/tokenizer/char.hpp>

#include <string>
#include <vector>

namespace ligase_cli {

/// Everything that a run's result depends on beside data, model, protocol and seed. All of it stands in the column
/// `hyperparameters`.
struct RunSettings {
  Index max_length = 0, classes = 0, schedule_samples = 0, epochs = 0, batch_size = 0, patience = 0;
  Index d_model = 0, n_layer = 0;  ///< 0: the CNN's own, or the checkpoint's
  double learning_rate = 0, weight_decay = 0.1;
  bool rc_augment = false, frozen = false;
  std::string conjoin = "none";      ///< none, test or train
  std::string select = "accuracy";   ///< accuracy, mcc or f1
  std::string validation = "split";  ///< split: a tenth of train; dev: the set's own
  std::string precision = "fp32", checkpoint;
  ligase::AnyTokenizer tokenizer = ligase::CharTokenizer{};  ///< named in a column of its own

  /// One JSON object with sorted keys, on one line.
  std::string json() const;
};

/// Names that a sweep file may give values for.
const std::vector<std::string>& hyperparameter_names();

/// The settings of a run of a grid: the values that it gives, else those of the protocol and of the originals' scripts for
/// that model. Throws kind usage for values that make no sense, naming the hyperparameter.
RunSettings settings_of(Suite suite, const SweepRun& run, const ligase::Task& task, const std::string& precision,
                        const ligase::AnyTokenizer& tokenizer = ligase::CharTokenizer{});

}  // namespace ligase_cli
