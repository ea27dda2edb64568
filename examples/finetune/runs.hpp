#pragma once

#include <ligase/core/platform.hpp>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace ligase_cli {

/// What makes a run the run it is.
struct RunIdentity {
  std::string task, model, tokenizer, protocol;
  std::uint64_t seed = 0;
  std::string hyperparameters = "{}";  ///< one JSON object with sorted keys, on one line

  bool operator==(const RunIdentity&) const = default;
};

/// 16 hexadecimal digits that follow from the identity alone: for names of folders, and to find what is done already.
std::string run_key(const RunIdentity& run);

/// A row of runs.csv. NaN stands for a metric that is not defined or not there.
struct RunRecord {
  static constexpr double nan = std::numeric_limits<double>::quiet_NaN();

  RunIdentity run;
  double accuracy = nan, mcc = nan, f1 = nan, precision = nan, recall = nan, auroc = nan, auprc = nan;
  ligase::Index epochs = 0;
  std::string status;  ///< ok, diverged or failed
  /// 95 % bootstrap intervals over the test rows.
  double accuracy_low = nan, accuracy_high = nan, mcc_low = nan, mcc_high = nan, f1_low = nan, f1_high = nan,
         auroc_low = nan, auroc_high = nan;
  /// Per-batch means that the original reports; protocol `original` only.
  double mcc_batch_mean = nan, f1_batch_mean = nan;
  double seconds = nan;  ///< wall time of the run
};

/// The columns of a new runs.csv, and its first line without the line end.
const std::vector<std::string>& run_columns();
std::string runs_header();
/// One line, without its line end: numbers in the shortest form that reads back the same, `nan` for NaN, nothing in columns of
/// other names.
std::string runs_line(const RunRecord& record, const std::vector<std::string>& columns = run_columns());

/// Reads runs.csv (columns found by name, in any order; those from `accuracy_low` to `seconds` may be missing, others may be
/// there). A last line without line end was cut short by a kill and is left out. Errors of kind input with file and line.
std::vector<RunRecord> read_runs(const std::filesystem::path& file);

/// The same before more runs are appended: a file that is not there holds none, one that cannot be written is refused.
std::vector<RunRecord> runs_to_continue(const std::filesystem::path& file);

/// Appends a line in the file's own columns, and a header where the file is new: one write, then fsync, under a lock, so that
/// several processes can share the file. A last line that a kill cut short is removed first. Where the disk is full the file
/// stays as it was. Throws kind input where read_runs would refuse the header, kind io where it cannot be written.
void append_run(const std::filesystem::path& file, const RunRecord& record);

}  // namespace ligase_cli
