#pragma once

#include <finetune/runs.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace ligase_cli {

/// Names that a program knows; others in a sweep file are refused with the nearest one.
struct SweepNames {
  std::vector<std::string> models, hyperparameters;
};

/// One model of a sweep.
struct SweepModel {
  std::string name;
  std::string checkpoint;               ///< folder to start from; empty: from scratch
  std::vector<std::string> tokenizers;  ///< never empty
  /// Hyperparameter to its values, each as JSON text.
  std::map<std::string, std::vector<std::string>> grid;
};

/// A sweep file, as read.
struct Sweep {
  std::vector<std::string> tasks;  ///< names, or the one word `all`
  std::vector<SweepModel> models;
  std::vector<std::uint64_t> seeds;
  std::string protocol;
};

/// One run of the grid.
struct SweepRun {
  RunIdentity run;  ///< its hyperparameters hold the checkpoint as well, so that pretrained and scratch runs differ
  std::string checkpoint;
};

/// Reads a sweep file:
///   {"tasks": ["mouse/2", ...] or "all", "seeds": [1, 2, 3], "protocol": "original" or "strict" (default),
///    "models": ["cnn", {"name": "mamba", "checkpoint": DIR, "tokenizers": [...], "hyperparameters": {...}}],
///    "tokenizers": ["char"] (default), "hyperparameters": {"learning_rate": [0.001, 0.002], "batch_size": 64}}
/// A model's own tokenizers replace the common ones, its hyperparameters replace those of the same name. Errors of kind
/// input name the file and the field.
Sweep read_sweep(const std::filesystem::path& file, const SweepNames& names);

/// The grid as a list whose order follows from the file alone: tasks, then models, tokenizers, hyperparameters (by name,
/// the last one turning fastest), seeds, all in the file's order. `all` stands for `all_tasks`. A run that stands twice and
/// a grid of more than a million runs are errors of kind input.
std::vector<SweepRun> expand_sweep(const Sweep& sweep, const std::vector<std::string>& all_tasks);

/// The runs that `records` do not hold as `ok` or `diverged`: what a grid that was stopped still has to do. A failed run
/// is tried again.
std::vector<SweepRun> pending_runs(const std::vector<SweepRun>& runs, const std::vector<RunRecord>& records);

/// Part `part` of `parts` of a list, for one job of an array: entries part, part + parts, part + 2 parts, ... Read from
/// "PART/PARTS", 0 <= PART < PARTS; anything else is an error of kind usage that names the flag.
struct Shard {
  ligase::Index part = 0, parts = 1;
};
Shard read_shard(const std::string& flag, const std::string& text);
std::vector<SweepRun> take_shard(const std::vector<SweepRun>& runs, Shard shard);

}  // namespace ligase_cli
