#pragma once

#include <ligase/core/error.hpp>
#include <ligase/genome/bed.hpp>
#include <ligase/genome/contig.hpp>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// strict: windows tile a row and never leave it. original: as kuleshov-group/caduceus does, see original_window.
enum class IntervalMode { strict, original };

/// The length to which `original` extends every row: 2^20 bp.
inline constexpr Index original_extension = Index{1} << 20;

/// [begin, end) in bp. begin is negative where `original` clamps in a chromosome shorter than the window.
struct Interval {
  Index begin = 0;
  Index end = 0;

  friend bool operator==(const Interval&, const Interval&) = default;
};

/// Window number `shift` of a row that starts at `start`, as the original computes it: the row is extended to [start,
/// start + 2^20), the window is [start + shift length, start + (shift + 1) length); beyond the chromosome's end it
/// moves down to end there; if it then begins before 0 it moves up to begin at 0; if it still ends beyond the
/// chromosome, begin = chromosome length - window length, which is negative. length must divide 2^20. Reproduces
/// FastaInterval in kuleshov-group/caduceus src/dataloaders/datasets/hg38_dataset.py.
inline Interval original_window(Index chromosome_length, Index start, Index length, Index shift) {
  Interval window{start + shift * length, start + (shift + 1) * length};
  if (window.end > chromosome_length) window = {chromosome_length - length, chromosome_length};
  if (window.begin < 0) window = {0, length};
  if (window.end > chromosome_length) window = {chromosome_length - length, chromosome_length};
  return window;
}

/// A window of a genome: contig number and place.
struct Window {
  Index contig = 0;
  Interval place;
};

/// The windows of one split, computed when asked for. In both modes the rows follow the file and the windows of a row
/// follow one another. Holds one entry per row; operator[] costs O(log rows).
class Windows {
 public:
  /// Rows of `split` are taken. Errors: kind usage for a length below 1, or in mode original one that does not divide
  /// 2^20; kind input for a row that is not inside its chromosome and for a split without a window.
  Windows(std::span<const BedRow> rows, std::string_view split, Index length, IntervalMode mode,
          std::vector<Contig> contigs, const std::filesystem::path& file = "intervals")
      : length_(length), mode_(mode), contigs_(std::move(contigs)) {
    if (length < 1 || (mode == IntervalMode::original && original_extension % length != 0))
      throw Error{{.kind = ErrorKind::usage,
                   .what = "window length does not fit",
                   .where = "length",
                   .expected = mode == IntervalMode::original ? "a divisor of 2^20" : "at least 1 bp",
                   .found = std::to_string(length)}};
    check_bed(rows, contigs_, file);
    std::unordered_map<std::string_view, Index> numbers;
    for (std::size_t i = 0; i < contigs_.size(); ++i) numbers.emplace(contigs_[i].name, static_cast<Index>(i));
    std::set<std::string> others;
    for (const BedRow& row : rows) {
      if (row.split != split) {
        others.insert(row.split);
        continue;
      }
      const Index count = (mode == IntervalMode::original ? original_extension : row.end - row.start) / length;
      if (count == 0) continue;
      rows_.push_back({numbers.at(row.chrom), row.start, size_});
      size_ += count;
    }
    if (size_ == 0) throw_no_window(split, others, file);
  }

  Index size() const { return size_; }
  /// In bp.
  Index length() const { return length_; }
  const std::vector<Contig>& contigs() const { return contigs_; }

  Window operator[](Index i) const {
    const auto after = std::upper_bound(rows_.begin(), rows_.end(), i,
                                        [](Index number, const Row& row) { return number < row.first_window; });
    const Row& row = *std::prev(after);
    const Index shift = i - row.first_window;
    if (mode_ == IntervalMode::original)
      return {row.contig,
              original_window(contigs_[static_cast<std::size_t>(row.contig)].length, row.start, length_, shift)};
    const Index begin = row.start + shift * length_;
    return {row.contig, {begin, begin + length_}};
  }

 private:
  struct Row {
    Index contig;
    Index start;
    Index first_window;
  };

  [[noreturn]] void throw_no_window(std::string_view split, const std::set<std::string>& others,
                                    const std::filesystem::path& file) const {
    std::string names;
    for (const std::string& name : others) names += (names.empty() ? "" : ", ") + name;
    throw Error{{.kind = ErrorKind::input,
                 .what = "split '" + std::string(split) + "' has no window of " + std::to_string(length_) + " bp",
                 .where = file.string(),
                 .expected = "a row of this split that holds a window",
                 .found = names.empty() ? "no other split" : "other splits: " + names}};
  }

  Index length_;
  IntervalMode mode_;
  std::vector<Contig> contigs_;
  std::vector<Row> rows_;
  Index size_ = 0;
};

/// How many of the windows of `split` overlap a row, as the file has it, of another split. O((rows + windows) log
/// rows).
inline Index windows_touching_other_splits(const Windows& windows, std::span<const BedRow> rows,
                                           std::string_view split) {
  std::unordered_map<std::string_view, std::vector<Interval>> by_contig;
  for (const BedRow& row : rows)
    if (row.split != split && row.start < row.end) by_contig[row.chrom].push_back({row.start, row.end});
  for (auto& [name, spans] : by_contig) {
    std::sort(spans.begin(), spans.end(), [](const Interval& a, const Interval& b) { return a.begin < b.begin; });
    std::vector<Interval> merged;
    for (const Interval& span : spans)
      if (!merged.empty() && span.begin <= merged.back().end)
        merged.back().end = std::max(merged.back().end, span.end);
      else
        merged.push_back(span);
    spans = std::move(merged);
  }
  Index touching = 0;
  for (Index i = 0; i < windows.size(); ++i) {
    const Window window = windows[i];
    const auto found = by_contig.find(windows.contigs()[static_cast<std::size_t>(window.contig)].name);
    if (found == by_contig.end()) continue;
    const auto& spans = found->second;
    const auto first = std::upper_bound(spans.begin(), spans.end(), window.place.begin,
                                        [](Index begin, const Interval& span) { return begin < span.end; });
    touching += first != spans.end() && first->begin < window.place.end ? 1 : 0;
  }
  return touching;
}

}  // namespace ligase::inline LIGASE_ISA
