#pragma once

#include <ligase/data/task.hpp>

#include <string>

namespace ligase_cli {

using ligase::Index;

/// A benchmark suite; each has a program.
enum class Suite { genomic_benchmarks, gue, nucleotide_transformer_tasks };

/// What a protocol fixes for one task.
struct TaskRules {
  Index max_length = 0;  ///< tokens
  Index classes = 0;     ///< outputs of the classifier
  Index schedule_samples =
      0;               ///< rows per epoch that the learning rate's schedule counts with; 0: those that are there
  std::string metric;  ///< chooses the epoch: accuracy, mcc or f1
  bool validate_on_dev = false;
};

/// `strict`: the longest sequence of train and dev, the classes of the data, the rows that are trained on, and the set's own
/// dev split where it has one. `original`: what the configuration files of kuleshov-group/caduceus and, for GUE,
/// leannmlindsey/DNAtokenization say, mistakes included (docs/finetuning.md); a task that they do not know has strict sizes;
/// validation is a tenth of train.
TaskRules rules_of(Suite suite, const std::string& protocol, const ligase::Task& task);

/// Epochs of the suite's scripts.
Index usual_epochs(Suite suite);

}  // namespace ligase_cli
