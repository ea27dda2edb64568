#include <ligase/genome/fasta_dataset.hpp>

#include "scratch.hpp"

#include <ligase/genome/split.hpp>

#include <doctest/doctest.h>
#include <array>
#include <memory>
#include <string>
#include <support/shared.hpp>
#include <vector>

namespace {

using ligase::BedRow;
using ligase::Fasta;
using ligase::FastaDataset;
using ligase::Index;
using ligase::IntervalMode;
using ligase::Windows;
using ligase_test::Scratch;

static_assert(ligase::Dataset<FastaDataset>);

std::array<Index, 4> count_letters(const FastaDataset& data) {
  std::array<Index, 256> counts{};
  for (Index i = 0; i < data.size(); ++i)
    for (const char c : data[i]) ++counts[static_cast<unsigned char>(c)];
  return {counts['A'], counts['C'], counts['G'], counts['T']};
}

}  // namespace

TEST_CASE("windows of a FASTA are its letters") {
  const Scratch scratch;
  const auto fasta = std::make_shared<const Fasta>(scratch.plain("a.fa", ">x\nACGTACGTAC\n>y\nggggcccctt\n"));
  const std::vector<BedRow> rows{{"y", 1, 9, "train"}, {"x", 2, 8, "train"}, {"x", 0, 10, "test"}};
  const FastaDataset data(fasta, Windows(rows, "train", 3, IntervalMode::strict, fasta->contigs()));
  REQUIRE(data.size() == 4);
  CHECK(data[0] == "ggg");
  CHECK(data[1] == "ccc");
  CHECK(data[2] == "GTA");
  CHECK(data[3] == "CGT");
  CHECK_THROWS_AS(data[4], ligase::Error);
  CHECK_THROWS_AS(data[-1], ligase::Error);
}

TEST_CASE("mode original, chromosome shorter than the window: the letters from 0 on") {
  const Scratch scratch;
  const auto fasta = std::make_shared<const Fasta>(scratch.plain("a.fa", ">x\nACGTACGTAC\n"));
  const std::vector<BedRow> rows{{"x", 3, 9, "train"}};
  const FastaDataset data(fasta, Windows(rows, "train", Index{1} << 19, IntervalMode::original, fasta->contigs()));
  REQUIRE(data.size() == 2);
  CHECK(data[1] == "ACGTACGTAC");
}

TEST_CASE("letters of the train windows of the shared genomes") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no shared folder");
    return;
  }
  const Scratch scratch;
  struct Case {
    const char *folder, *fasta, *bed;
    std::array<Index, 4> letters;
  };
  for (const Case& c : {Case{"genome_human_chr20",
                             "chr20_hg38coord.fa.gz",
                             "human_chr20_intervals_1024.bed",
                             {8529735, 7288500, 7305412, 8644929}},
                        Case{"genome_yeast_sacCer3",
                             "sacCer3.fa.gz",
                             "sacCer3_intervals_1024.bed",
                             {3148210, 1956027, 1949873, 3137762}},
                        Case{"genome_ecoli_k12_mg1655",
                             "ecoli_k12_mg1655.fa.gz",
                             "ecoli_intervals_1024.bed",
                             {915348, 946560, 935325, 913743}}}) {
    CAPTURE(c.folder);
    const auto folder = *shared / "data" / c.folder;
    const auto fasta = std::make_shared<const Fasta>(folder / c.fasta);
    const auto rows = ligase::read_bed(folder / c.bed);
    const FastaDataset data(fasta,
                            Windows(rows, "train", 1024, IntervalMode::strict, fasta->contigs(), folder / c.bed));
    CHECK(count_letters(data) == c.letters);
  }
}

TEST_CASE("the split without a BED file, on the shared chromosome") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no shared folder");
    return;
  }
  const Scratch scratch;
  const auto fasta = std::make_shared<const Fasta>(*shared / "data" / "genome_human_chr20" / "chr20_hg38coord.fa.gz");
  const auto rows = ligase::split_rows(*fasta, 1024);
  Index windows = 0;
  for (const BedRow& row : rows) {
    const Index block = row.start >> 20;
    CHECK(((row.end - 1) >> 20) == block);
    CHECK(row.split == (block % 10 == 8 ? "valid" : block % 10 == 9 ? "test" : "train"));
    windows += (row.end - row.start) / 1024;
  }
  // Counted window by window, without blocks: 2^20 is a multiple of 1,024.
  Index expected = 0;
  const std::string letters = fasta->fetch("chr20", 0, fasta->length("chr20"));
  for (std::size_t at = 0; at + 1024 <= letters.size(); at += 1024)
    expected += std::count(letters.begin() + static_cast<Index>(at), letters.begin() + static_cast<Index>(at) + 1024,
                           'N') <= 10;
  CHECK(windows == expected);
}
