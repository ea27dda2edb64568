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
  /// After each epoch: its number, and the value that chooses the epoch.
  std::function<void(Index epoch, double value)> on_epoch;
};

struct RunOutcome {
  RunRecord record;     ///< with status ok or diverged
  std::string details;  ///< a JSON object: curve over the epochs, confusion matrix, calibration
};

/// Trains and scores. What goes wrong beside a divergence is thrown.
RunOutcome run_job(const RunJob& job);

// One model each, compiled in a file of their own.
using RunModel = RunOutcome(const RunJob& job);
RunModel run_cnn, run_caduceus_ps, run_caduceus_ph, run_mamba;

/// Names for --model.
const std::vector<std::string>& finetune_models();

}  // namespace ligase_cli
