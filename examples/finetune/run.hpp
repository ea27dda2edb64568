#pragma once

#include <finetune/settings.hpp>

#include <ligase/data/task.hpp>
#include <ligase/io/json_fwd.hpp>

#include <functional>
#include <string>

namespace ligase_cli {

/// One run: a model trained on a task with one seed, and scored on its test split.
struct RunJob {
  RunIdentity identity;
  RunSettings settings;
  const ligase::Task* task = nullptr;  ///< null: only the checkpoint is loaded, to see whether it fits
  int threads = 1;
  std::string device = "cpu";  ///< no part of the identity: settings.precision is
  /// After each epoch: its number, and the value that chooses the epoch.
  std::function<void(Index epoch, double value)> on_epoch;
};

struct RunOutcome {
  RunRecord record;     ///< with status ok or diverged
  std::string details;  ///< a JSON object: curve over the epochs, confusion matrix, calibration
};

/// Trains and scores. What goes wrong beside a divergence is thrown.
RunOutcome run_job(const RunJob& job);

/// A run of a backbone with a pooled head, and of the CNN. Each is compiled in a file of its own: for the host in this folder,
/// for a GPU by nvcc (CMakeLists.txt).
template <class Backbone, class D, class P>
RunOutcome run_pooled(const RunJob& job);
template <class D>
RunOutcome run_cnn(const RunJob& job);

/// Names for --model.
const std::vector<std::string>& finetune_models();

}  // namespace ligase_cli
