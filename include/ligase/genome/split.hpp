#pragma once

#include <ligase/core/error.hpp>
#include <ligase/genome/bed.hpp>
#include <ligase/genome/contig.hpp>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// Blocks that a genome is cut into: the last block of a sequence may be shorter, blocks never span two sequences.
inline Index count_blocks(std::span<const Contig> contigs, Index block_length) {
  Index blocks = 0;
  for (const Contig& contig : contigs) blocks += (contig.length + block_length - 1) / block_length;
  return blocks;
}

/// 2^20 bp where that gives 20 blocks or more, else the largest multiple of `length` that does; where none does,
/// `length` itself (for a length above 2^20: 2^20).
inline Index split_block_length(std::span<const Contig> contigs, Index length) {
  constexpr Index usual = Index{1} << 20, enough = 20;
  if (length > usual || count_blocks(contigs, usual) >= enough) return usual;
  Index multiple = usual / length;
  while (multiple > 1 && count_blocks(contigs, multiple * length) < enough) --multiple;
  return multiple * length;
}

/// The split of block number i, counted through the file.
inline const char* split_of_block(Index i) { return i % 10 == 8 ? "valid" : i % 10 == 9 ? "test" : "train"; }

/// Rows for a genome without a BED file. Windows of `length` bp tile every block, a remainder is left out, and so are
/// windows with more than 1 % N. Each row is a longest run of kept windows inside one block, so tiling the rows
/// strictly by `length` gives exactly the kept windows. Genome: contigs(), fetch(name, begin, end) and path(), as
/// Fasta; read once. Errors: kind usage for a length below 1, kind input for a split without a window.
template <class Genome>
std::vector<BedRow> split_rows(const Genome& genome, Index length) {
  if (length < 1)
    throw Error{{.kind = ErrorKind::usage,
                 .what = "window length does not fit",
                 .where = "length",
                 .expected = "at least 1 bp",
                 .found = std::to_string(length)}};
  const Index block_length = split_block_length(genome.contigs(), length);
  std::vector<BedRow> rows;
  Index block = 0;
  for (const Contig& contig : genome.contigs())
    for (Index begin = 0; begin < contig.length; begin += block_length, ++block) {
      const std::string letters = genome.fetch(contig.name, begin, std::min(contig.length, begin + block_length));
      const char* const split = split_of_block(block);
      bool run = false;
      for (Index at = 0; at + length <= static_cast<Index>(letters.size()); at += length) {
        const auto first = letters.begin() + at;
        const Index unknown = std::count_if(first, first + length, [](char c) { return c == 'N' || c == 'n'; });
        const bool kept = 100 * unknown <= length;
        if (kept && run)
          rows.back().end += length;
        else if (kept)
          rows.push_back({contig.name, begin + at, begin + at + length, split});
        run = kept;
      }
    }
  for (const char* split : {"train", "valid", "test"})
    if (std::none_of(rows.begin(), rows.end(), [&](const BedRow& row) { return row.split == split; }))
      throw Error{
          {.kind = ErrorKind::input,
           .what = std::string("split '") + split + "' has no window of " + std::to_string(length) + " bp",
           .where = genome.path().string(),
           .expected = "20 blocks or more with windows of at most 1 % N (or give a BED file, or a smaller length)",
           .found = std::to_string(block) + " blocks of " + std::to_string(block_length) + " bp"}};
  return rows;
}

}  // namespace ligase::inline LIGASE_ISA
