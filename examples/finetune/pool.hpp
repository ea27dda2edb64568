#pragma once

#include <finetune/plan.hpp>
#include <finetune/runs.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace ligase_cli {

struct PoolOptions {
  std::filesystem::path out;
  int jobs = 1, threads = 1;  ///< runs at the same time, threads of all of them
  std::string device = "cpu";
  bool quiet = false;
};

/// Trains the runs of a plan that `done` lacks, several at a time: as many as asked for, or as the machine has threads for.
/// Each appends its line to OUT/runs.csv and writes OUT/runs/KEY.json when it is finished, whatever the others do. A run that
/// fails is recorded as failed, with its reason in `failures`; only what cannot be written stops the others and is thrown.
/// Returns the new records.
std::vector<RunRecord> run_pool(const FinetunePlan& plan, const std::vector<RunRecord>& done,
                                const PoolOptions& options, std::vector<std::string>& failures);

/// The records of the plan's runs that are there, the last one of each, in the plan's order.
std::vector<RunRecord> records_of(const FinetunePlan& plan, const std::vector<RunRecord>& records);

}  // namespace ligase_cli
