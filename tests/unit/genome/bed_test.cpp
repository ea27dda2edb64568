#include <ligase/genome/bed.hpp>

#include "scratch.hpp"

#include <doctest/doctest.h>
#include <string>
#include <support/errors.hpp>
#include <support/shared.hpp>
#include <vector>

namespace {

using ligase::BedRow;
using ligase::Contig;
using ligase::Error;
using ligase::ErrorKind;
using ligase_test::input_error;
using ligase_test::Scratch;

}  // namespace

TEST_CASE("rows are read with tabs or spaces, carriage returns, comments and further columns") {
  const Scratch scratch;
  const std::string text =
      "# a comment\r\ntrack name=x\r\nbrowser position chr1\n\n \t\n"
      "chr1\t0\t1024\ttrain\r\n"
      "chr1 1024  2048 valid\n"
      "chr2\t5\t5\tfold3\textra\t7\n"
      "tracker\t1\t2\ttest";
  const std::vector<BedRow> expected{
      {"chr1", 0, 1024, "train"}, {"chr1", 1024, 2048, "valid"}, {"chr2", 5, 5, "fold3"}, {"tracker", 1, 2, "test"}};
  const auto rows = ligase::read_bed(scratch.plain("a.bed", text));
  CHECK(rows == expected);
  CHECK(rows[0].line == 6);
  CHECK(rows[3].line == 9);
  CHECK(ligase::read_bed(scratch.gzip("a.bed.gz", text)) == expected);
  CHECK(ligase::read_bed(scratch.plain("a.bed", "\xEF\xBB\xBF" + text)) == expected);
}

TEST_CASE("what is written is read again") {
  const Scratch scratch;
  const std::vector<BedRow> rows{{"chr1", 0, 1024, "train"}, {"chr2", 3000000000, 3000001024, "test"}};
  ligase::write_bed(scratch.path() / "out.bed", rows);
  CHECK(Scratch::read(scratch.path() / "out.bed") == "chr1\t0\t1024\ttrain\nchr2\t3000000000\t3000001024\ttest\n");
  CHECK(ligase::read_bed(scratch.path() / "out.bed") == rows);
  CHECK(scratch.files() == 1);
}

TEST_CASE("bad rows are refused with file and line") {
  const Scratch scratch;
  const std::string file = (scratch.path() / "a.bed").string();
  const auto refused = [&](const std::string& text) {
    const auto path = scratch.plain("a.bed", text);
    return input_error([&] { ligase::read_bed(path); });
  };
  CHECK(refused("chr1\t0\t10\ttrain\nchr1\t0\t10\n") ==
        file + ":2: missing column; expected chrom, start, end, split, found 3 columns");
  CHECK(refused("chr1\tten\t20\ttrain\n") ==
        file + ":1: start is not a position; expected a number from 0, found 'ten'");
  CHECK(refused("chr1\t10\t2x\ttrain\n") == file + ":1: end is not a position; expected a number from 0, found '2x'");
  CHECK(refused("chr1\t-1\t20\ttrain\n") == file + ":1: start is not a position; expected a number from 0, found '-1'");
  CHECK(refused("chr1\t1.5\t20\ttrain\n") ==
        file + ":1: start is not a position; expected a number from 0, found '1.5'");
  CHECK(refused("chr1\t1\t99999999999999999999\ttrain\n") ==
        file + ":1: end is not a position; expected a number from 0, found '99999999999999999999'");
  CHECK(refused("# c\nchr1\t30\t20\ttrain\n") == file + ":2: end before start; expected end of 30 or more, found 20");
  CHECK(refused("") == file + ": file is empty; expected rows of chrom, start, end, split");
  CHECK(refused("# only\n") == file + ": file without rows; expected rows of chrom, start, end, split");
  CHECK(input_error([&] { ligase::read_bed(scratch.path() / "none.bed"); }).find("none.bed: cannot open the file") !=
        std::string::npos);
  const std::string gzip = Scratch::read(scratch.gzip("x", "chr1\t0\t10\ttrain\n"));
  CHECK(refused(gzip.substr(0, gzip.size() - 4)).find("a.bed: compressed file is truncated") != std::string::npos);
}

TEST_CASE("rows outside the genome are refused with file and line") {
  const std::vector<Contig> contigs{{"chr1", 100}, {"chr2", 50}};
  const std::vector<BedRow> good{{"chr1", 0, 100, "train", 1}, {"chr2", 0, 50, "train", 2}};
  CHECK_NOTHROW(ligase::check_bed(good, contigs, "a.bed"));
  const std::vector<BedRow> unknown{{"chr1", 0, 100, "train", 1}, {"chr3", 0, 50, "train", 7}};
  CHECK(input_error([&] { ligase::check_bed(unknown, contigs, "a.bed"); }) ==
        "a.bed:7: unknown chromosome; expected a sequence of the FASTA such as 'chr1', found 'chr3'");
  const std::vector<BedRow> beyond{{"chr2", 0, 51, "train", 3}};
  CHECK(input_error([&] { ligase::check_bed(beyond, contigs, "a.bed"); }) ==
        "a.bed:3: row reaches beyond its chromosome; expected chr2 to end at 50 at the latest, found 51");
}

TEST_CASE("the shared interval files") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no shared folder");
    return;
  }
  const auto folder = *shared / "data" / "genome_human_chr20";
  const auto rows = ligase::read_bed(folder / "human_chr20_intervals_1024.bed");
  CHECK(rows.size() == 55936);
  CHECK(rows.front() == BedRow{"chr20", 114688, 115712, "valid"});
  const auto folds = ligase::read_bed(folder / "borzoi_sequences_human_chr20.bed");
  CHECK(folds.size() == 1199);
  CHECK(folds.front().split == "fold3");
}
