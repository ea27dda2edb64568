#include <ligase/genome/intervals.hpp>

#include <doctest/doctest.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <support/shared.hpp>
#include <vector>

namespace {

using ligase::BedRow;
using ligase::Contig;
using ligase::Error;
using ligase::ErrorKind;
using ligase::Index;
using ligase::Interval;
using ligase::IntervalMode;
using ligase::Windows;

std::vector<Interval> all(const Windows& windows) {
  std::vector<Interval> places;
  for (Index i = 0; i < windows.size(); ++i) places.push_back(windows[i].place);
  return places;
}

std::string message(ErrorKind kind, const std::vector<BedRow>& rows, const char* split, Index length,
                    IntervalMode mode) {
  try {
    const Windows windows(rows, split, length, mode, {{"chr1", 10000}}, "a.bed");
  } catch (const Error& error) {
    CHECK(error.kind() == kind);
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("strict windows tile each row of the split and never leave it") {
  const std::vector<BedRow> rows{{"chr1", 5, 36, "train"},
                                 {"chr2", 0, 100, "test"},
                                 {"chr2", 7, 16, "train"},
                                 {"chr2", 20, 40, "train"},
                                 {"chr1", 90, 100, "train"}};
  const Windows windows(rows, "train", 10, IntervalMode::strict, {{"chr1", 100}, {"chr2", 100}});
  CHECK(all(windows) == std::vector<Interval>{{5, 15}, {15, 25}, {25, 35}, {20, 30}, {30, 40}, {90, 100}});
  CHECK(windows[2].contig == 0);
  CHECK(windows[3].contig == 1);
  CHECK(windows[5].contig == 0);
  CHECK(windows_touching_other_splits(windows, rows, "train") == 2);
}

TEST_CASE("original windows: 2^20 / length a row, clamped at the chromosome's end") {
  const std::vector<BedRow> rows{{"chr1", 1000, 1500, "train"}, {"chr1", 600000, 600001, "train"}};
  const Index length = Index{1} << 18, end = 1000000;
  const Windows windows(rows, "train", length, IntervalMode::original, {{"chr1", end}});
  CHECK(all(windows) == std::vector<Interval>{{1000, 263144},
                                              {263144, 525288},
                                              {525288, 787432},
                                              {737856, end},
                                              {600000, 862144},
                                              {737856, end},
                                              {737856, end},
                                              {737856, end}});
}

TEST_CASE("training windows that touch other splits are counted against the rows as written") {
  const Index length = Index{1} << 18, size = 10 * length;
  const std::vector<BedRow> rows{{"chr1", 0, length, "train"},
                                 {"chr1", length, length + 1, "valid"},
                                 {"chr1", length + 5, length + 9, "test"},
                                 {"chr1", 3 * length - 1, 3 * length, "test"},
                                 {"chr1", 4 * length, 5 * length, "test"},
                                 {"chr2", 0, length, "test"}};
  const std::vector<Contig> contigs{{"chr1", size}, {"chr2", size}};
  const Windows extended(rows, "train", length, IntervalMode::original, contigs);
  CHECK(extended.size() == 4);
  CHECK(windows_touching_other_splits(extended, rows, "train") == 2);
  const Windows strict(rows, "train", length, IntervalMode::strict, contigs);
  CHECK(strict.size() == 1);
  CHECK(windows_touching_other_splits(strict, rows, "train") == 0);
}

TEST_CASE("wrong lengths, rows and splits are refused") {
  const std::vector<BedRow> rows{{"chr1", 0, 5000, "train", 1}, {"chr1", 5000, 5100, "valid", 2}};
  CHECK(message(ErrorKind::usage, rows, "train", 0, IntervalMode::strict) ==
        "length: window length does not fit; expected at least 1 bp, found 0");
  CHECK(message(ErrorKind::usage, rows, "train", 1000, IntervalMode::original) ==
        "length: window length does not fit; expected a divisor of 2^20, found 1000");
  CHECK(message(ErrorKind::input, rows, "valid", 1000, IntervalMode::strict) ==
        "a.bed: split 'valid' has no window of 1000 bp; expected a row of this split that holds a window, found other "
        "splits: train");
  CHECK(message(ErrorKind::input, rows, "test", 10, IntervalMode::strict) ==
        "a.bed: split 'test' has no window of 10 bp; expected a row of this split that holds a window, found other "
        "splits: train, valid");
  CHECK(message(ErrorKind::input, {{"chr1", 0, 10001, "train", 4}}, "train", 10, IntervalMode::strict)
            .starts_with("a.bed:4: row reaches beyond its chromosome"));
}

TEST_CASE("golden: windows as the original computes them") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no shared folder");
    return;
  }
  std::ifstream file(*shared / "reference" / "golden" / "hg38_intervals" / "cases.json");
  const auto cases = nlohmann::json::parse(file);
  CHECK(cases.size() == 60);
  int negative = 0;
  for (const auto& c : cases) {
    CAPTURE(c.dump());
    REQUIRE(c.at("error").is_null());
    const Interval expected{c.at("result").at(0), c.at("result").at(1)};
    const Index chromosome = c.at("chrom_len"), start = c.at("bed_start"), length = c.at("max_length");
    CHECK(ligase::original_window(chromosome, start, length, c.at("i_shift")) == expected);
    const Windows windows({{{"c", start, start, "train"}}}, "train", length, IntervalMode::original,
                          {{"c", chromosome}});
    CHECK(windows.size() == (Index{1} << 20) / length);
    CHECK(windows[c.at("i_shift")].place == expected);
    negative += expected.begin < 0;
  }
  CHECK(negative == 3);
}

TEST_CASE("the windows of the shared chromosome") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no shared folder");
    return;
  }
  const auto folder = *shared / "data" / "genome_human_chr20";
  const std::vector<Contig> contigs{{"chr20", 64444167}};
  const auto rows = ligase::read_bed(folder / "human_chr20_intervals_1024.bed");
  const auto count = [&](const char* split, Index length) {
    return Windows(rows, split, length, IntervalMode::strict, contigs).size();
  };
  CHECK(count("train", 1024) == 31024);
  CHECK(count("valid", 1024) == 12512);
  CHECK(count("test", 1024) == 12400);
  CHECK(count("test", 512) == 24800);
  CHECK(Windows(rows, "test", 1024, IntervalMode::strict, contigs)[0].place == Interval{13107200, 13108224});

  const auto wide = ligase::read_bed(folder / "human-sequences-chr20_131072.bed");
  const Windows strict(wide, "train", 131072, IntervalMode::strict, contigs);
  CHECK(strict.size() == 655);
  CHECK(windows_touching_other_splits(strict, wide, "train") == 0);
  const Windows original(wide, "train", 131072, IntervalMode::original, contigs);
  CHECK(original.size() == 655 * 8);
  // Counted by a direct comparison of all pairs: fold6 (train) ends the chromosome, valid runs into test.
  CHECK(windows_touching_other_splits(original, wide, "train") == 0);
  const Windows valid(wide, "valid", 131072, IntervalMode::original, contigs);
  CHECK(valid.size() == 261 * 8);
  CHECK(windows_touching_other_splits(valid, wide, "valid") == 68);
}
