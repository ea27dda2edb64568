#pragma once

#include <common/arguments.hpp>
#include <finetune/run.hpp>
#include <finetune/sweep.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace ligase_cli {

/// A grid with everything settled before the first run begins.
struct FinetunePlan {
  std::map<std::string, ligase::Task> tasks;
  std::vector<RunIdentity> runs;      ///< in the grid's order, hyperparameters complete
  std::vector<RunSettings> settings;  ///< of each run
  std::vector<std::string> left_out;  ///< tasks that `all` leaves out, as they have no training set
};

/// Flags of the grid: --task, --model, ... or --sweep.
void add_grid_flags(Arguments& arguments);
/// Reads tasks and grid. Every name, value and checkpoint is checked; errors of kind usage and input.
FinetunePlan make_plan(Suite suite, const Arguments& arguments, const CommonFlags& common);

}  // namespace ligase_cli
