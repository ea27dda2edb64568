#pragma once

#include <ligase/core/error.hpp>
#include <ligase/genome/contig.hpp>
#include <ligase/genome/fasta_scan.hpp>
#include <ligase/io/file.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// One row of an interval file: [start, end) of a chromosome, 0-based, in bp, and the split that it belongs to (train,
/// valid, test, or any other name such as fold3). `line` is the row's place in its file, 0 for a computed row.
struct BedRow {
  std::string chrom;
  Index start = 0;
  Index end = 0;
  std::string split;
  Index line = 0;

  friend bool operator==(const BedRow& a, const BedRow& b) {
    return a.chrom == b.chrom && a.start == b.start && a.end == b.end && a.split == b.split;
  }
};

namespace detail {

[[noreturn]] inline void bed_error(const std::filesystem::path& file, Index line, std::string what,
                                   std::string expected, std::string found) {
  throw Error{{.kind = ErrorKind::input,
               .what = std::move(what),
               .where = line > 0 ? file.string() + ":" + std::to_string(line) : file.string(),
               .expected = std::move(expected),
               .found = std::move(found)}};
}

/// One line without its line end.
inline BedRow parse_bed_row(std::string_view line, const std::filesystem::path& file, Index number) {
  std::array<std::string_view, 4> column{};
  std::size_t columns = 0;
  for (std::string_view rest = line; columns < column.size(); ++columns) {
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    if (rest.empty()) break;
    column[columns] = rest.substr(0, rest.find_first_of(" \t"));
    rest.remove_prefix(column[columns].size());
  }
  if (columns < column.size())
    bed_error(file, number, "missing column", "chrom, start, end, split", std::to_string(columns) + " columns");

  const auto position = [&](std::string_view text, const char* name) {
    Index value = 0;
    const auto [last, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || last != text.data() + text.size() || value < 0)
      bed_error(file, number, std::string(name) + " is not a position", "a number from 0",
                "'" + std::string(text) + "'");
    return value;
  };
  BedRow row{std::string(column[0]), position(column[1], "start"), position(column[2], "end"), std::string(column[3]),
             number};
  if (row.end < row.start)
    bed_error(file, number, "end before start", "end of " + std::to_string(row.start) + " or more",
              std::to_string(row.end));
  return row;
}

inline bool is_bed_comment(std::string_view line) {
  const std::string_view word = line.substr(0, line.find_first_of(" \t"));
  return line.find_first_not_of(" \t") == std::string_view::npos || line.front() == '#' || word == "track" ||
         word == "browser";
}

}  // namespace detail

/// Reads an interval file: columns chrom, start, end, split separated by tabs or spaces, further columns ignored, CR LF,
/// a byte order mark and gzip tolerated; empty lines, `#`, `track` and `browser` lines skipped. Errors of kind input name
/// file and line: a missing column, what is no number, an end before its start; also a file that is missing, truncated
/// or without a row.
inline std::vector<BedRow> read_bed(const std::filesystem::path& file) {
  std::size_t bytes = 0;
  detail::open_to_read(file, bytes);
  std::string text;
  detail::read_decompressed(file, [&](std::string_view piece) { text.append(piece); });

  std::vector<BedRow> rows;
  Index number = 0;
  std::string_view rest = text;
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!detail::is_bed_comment(line)) rows.push_back(detail::parse_bed_row(line, file, number));
  }
  if (rows.empty())
    detail::bed_error(file, 0, bytes == 0 ? "file is empty" : "file without rows", "rows of chrom, start, end, split",
                      "");
  return rows;
}

/// Throws kind input, with file and line, for a row whose chromosome is unknown or that reaches beyond it.
inline void check_bed(std::span<const BedRow> rows, std::span<const Contig> contigs,
                      const std::filesystem::path& file) {
  std::unordered_map<std::string_view, Index> lengths;
  for (const Contig& contig : contigs) lengths.emplace(contig.name, contig.length);
  for (const BedRow& row : rows) {
    const auto found = lengths.find(row.chrom);
    if (found == lengths.end())
      detail::bed_error(file, row.line, "unknown chromosome",
                        contigs.empty() ? "" : "a sequence of the FASTA such as '" + contigs.front().name + "'",
                        "'" + row.chrom + "'");
    if (row.end > found->second)
      detail::bed_error(file, row.line, "row reaches beyond its chromosome",
                        row.chrom + " to end at " + std::to_string(found->second) + " at the latest",
                        std::to_string(row.end));
  }
}

/// Writes chrom, start, end, split, tab-separated, atomically.
inline void write_bed(const std::filesystem::path& file, std::span<const BedRow> rows) {
  AtomicFile out(file);
  for (const BedRow& row : rows)
    out.write(row.chrom + '\t' + std::to_string(row.start) + '\t' + std::to_string(row.end) + '\t' + row.split + '\n');
  out.commit();
}

}  // namespace ligase::inline LIGASE_ISA
