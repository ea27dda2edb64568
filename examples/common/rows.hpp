#pragma once

#include <common/arguments.hpp>

#include <ligase/genome.hpp>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace ligase_cli {

/// The rows of --bed, checked against the genome; without it those of the genome's blocks.
inline std::vector<ligase::BedRow> rows_of(const ligase::Fasta& fasta, const std::filesystem::path& bed, Index length) {
  if (bed.empty()) return split_rows(fasta, length);
  std::vector<ligase::BedRow> rows = ligase::read_bed(bed);
  check_bed(rows, fasta.contigs(), bed);
  return rows;
}

/// The mode that --intervals names; refuses a --length that does not fit it.
inline ligase::IntervalMode interval_mode(const std::string& name, Index length) {
  if (name == "strict") return ligase::IntervalMode::strict;
  if (ligase::original_extension % length != 0)
    throw ligase::Error{{.kind = ligase::ErrorKind::usage,
                         .what = "windows do not fit into the rows of --intervals original",
                         .where = "--length",
                         .expected = "a divisor of 2^20",
                         .found = std::to_string(length)}};
  return ligase::IntervalMode::original;
}

/// Refuses a --split that no row has, with the nearest one.
inline void check_split(const std::string& split, const std::vector<ligase::BedRow>& rows) {
  std::set<std::string> names;
  for (const ligase::BedRow& row : rows) names.insert(row.split);
  if (names.contains(split)) return;
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  throw ligase::Error{{.kind = ligase::ErrorKind::usage,
                       .what = "unknown split" + did_you_mean(split, {names.begin(), names.end()}),
                       .where = "--split",
                       .expected = "one of " + list,
                       .found = "'" + split + "'"}};
}

}  // namespace ligase_cli
