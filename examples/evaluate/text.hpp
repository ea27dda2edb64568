#pragma once

#include <ligase/genome.hpp>
#include <ligase/seq/alphabet.hpp>
#include <ligase/tasks/base_window.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ligase_cli {

using ligase::Index;

/// The windows of one split as base codes, one byte per base.
struct SplitText {
  std::vector<ligase::BaseWindow> windows;
  std::vector<std::vector<std::uint8_t>> rows;  ///< what the windows are spans of

  SplitText() = default;
  SplitText(SplitText&&) = default;
  SplitText& operator=(SplitText&&) = default;
};

/// Windows of `length` bp that tile the rows of `split`, in the rows' order; none where there is no such row.
inline SplitText read_split(const ligase::Fasta& fasta, std::span<const ligase::BedRow> rows, const std::string& split,
                            Index length) {
  SplitText text;
  for (const ligase::BedRow& row : rows) {
    const Index used = (row.end - row.start) / length * length;
    if (row.split != split || used == 0) continue;
    const std::string letters = fasta.fetch(row.chrom, row.start, row.start + used);
    auto& codes = text.rows.emplace_back(letters.size());
    std::transform(letters.begin(), letters.end(), codes.begin(), ligase::base_code);
    for (Index at = 0; at < used; at += length)
      text.windows.push_back(
          {std::span<const std::uint8_t>(codes).subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(length)),
           static_cast<std::uint64_t>(row.start + at)});
  }
  return text;
}

/// Shares of the letters, both strands pooled, each seen once more than it was.
inline std::array<double, 4> pooled_shares(const SplitText& text) {
  std::array<double, 5> count{};
  for (const ligase::BaseWindow& w : text.windows)
    for (std::uint8_t c : w.codes) ++count[c];
  const double at = count[0] + count[3], cg = count[1] + count[2], all = 2 * (at + cg) + 4;
  return {(at + 1) / all, (cg + 1) / all, (cg + 1) / all, (at + 1) / all};
}

}  // namespace ligase_cli
