#include <ligase/genome/split.hpp>

#include <ligase/genome/intervals.hpp>

#include <doctest/doctest.h>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace {

using ligase::BedRow;
using ligase::Contig;
using ligase::Error;
using ligase::ErrorKind;
using ligase::Index;

/// A genome in memory, as split_rows asks for it.
class Genome {
 public:
  explicit Genome(std::vector<std::string> sequences) : sequences_(std::move(sequences)) {
    for (std::size_t i = 0; i < sequences_.size(); ++i)
      contigs_.push_back({"c" + std::to_string(i), static_cast<Index>(sequences_[i].size())});
  }
  const std::vector<Contig>& contigs() const { return contigs_; }
  std::filesystem::path path() const { return "g.fa"; }
  std::string fetch(const std::string& name, Index begin, Index end) const {
    const auto& letters = sequences_.at(static_cast<std::size_t>(std::stoi(name.substr(1))));
    return letters.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
  }

 private:
  std::vector<std::string> sequences_;
  std::vector<Contig> contigs_;
};

std::string bases(Index n) { return std::string(static_cast<std::size_t>(n), 'A'); }
constexpr Index usual = Index{1} << 20;

}  // namespace

TEST_CASE("the length of a block") {
  const auto length_for = [](std::vector<Index> lengths, Index window) {
    std::vector<Contig> contigs;
    for (const Index n : lengths) contigs.push_back({"c", n});
    return ligase::split_block_length(contigs, window);
  };
  CHECK(length_for({20 * usual}, 1024) == usual);
  CHECK(length_for({19 * usual + 1}, 1024) == usual);
  CHECK(length_for(std::vector<Index>(20, 100), 1024) == usual);
  // 19 blocks of 2^20: 19 * 1024 windows, 20 blocks need blocks of at most 19 * 1024 / 19 - 1 windows (19 full, one
  // rest).
  CHECK(length_for({19 * usual}, 1024) == 1023 * 1024);
  // E. coli: 4,639,675 bp = 4,530.9 windows; 238 windows: 19.04 blocks, 239: 18.96.
  CHECK(length_for({4639675}, 1024) == 238 * 1024);
  CHECK(length_for({1000, 1000}, 100) == 100);
  CHECK(length_for({100}, 100) == 100);
  CHECK(length_for({100}, 2 * usual) == usual);
}

TEST_CASE("blocks are numbered through the file and never span sequences") {
  // 12 and 8 blocks of 100 bp, the 12th and the 20th shorter.
  const Genome genome({bases(1150), bases(790)});
  const auto rows = ligase::split_rows(genome, 50);
  REQUIRE(ligase::split_block_length(genome.contigs(), 50) == 100);
  const std::map<Index, std::string> special{{8, "valid"}, {9, "test"}, {18, "valid"}, {19, "test"}};
  REQUIRE(rows.size() == 20);
  for (Index i = 0; i < 20; ++i) {
    CAPTURE(i);
    const BedRow& row = rows[static_cast<std::size_t>(i)];
    CHECK(row.chrom == (i < 12 ? "c0" : "c1"));
    CHECK(row.start == 100 * (i < 12 ? i : i - 12));
    CHECK(row.end == row.start + (i == 11 || i == 19 ? 50 : 100));
    CHECK(row.split == (special.contains(i) ? special.at(i) : "train"));
  }
}

TEST_CASE("windows with more than 1 % N are left out, those with exactly 1 % stay") {
  std::string letters = bases(200 * 20);
  letters[205] = 'N';
  letters[605] = letters[606] = 'N';
  letters[905] = 'n';
  letters[906] = 'N';
  const Genome genome({letters});
  const auto rows = ligase::split_rows(genome, 100);
  REQUIRE(ligase::split_block_length(genome.contigs(), 100) == 200);
  REQUIRE(rows.size() == 20);
  CHECK(rows[1] == BedRow{"c0", 200, 400, "train"});
  CHECK(rows[3] == BedRow{"c0", 700, 800, "train"});
  CHECK(rows[4] == BedRow{"c0", 800, 900, "train"});
  const ligase::Windows windows(rows, "train", 100, ligase::IntervalMode::strict, genome.contigs());
  CHECK(windows.size() == 2 * 16 - 2);
}

TEST_CASE("a gap inside a block gives two rows") {
  std::string letters = bases(500 * 20);
  for (std::size_t i = 130; i < 160; ++i) letters[i] = 'N';
  const auto rows = ligase::split_rows(Genome({letters}), 100);
  REQUIRE(rows.size() == 21);
  CHECK(rows[0] == BedRow{"c0", 0, 100, "train"});
  CHECK(rows[1] == BedRow{"c0", 200, 500, "train"});
}

TEST_CASE("a split without a window is an error that names the block length") {
  const auto message = [](const Genome& genome, Index length) -> std::string {
    try {
      ligase::split_rows(genome, length);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::input);
      return error.what();
    }
    return "no error";
  };
  CHECK(message(Genome({bases(500)}), 100) ==
        "g.fa: split 'valid' has no window of 100 bp; expected 20 blocks or more with windows of at most 1 % N (or "
        "give a "
        "BED file, or a smaller length), found 5 blocks of 100 bp");
  std::string letters = bases(2000);
  std::fill(letters.begin() + 900, letters.begin() + 1000, 'N');
  std::fill(letters.begin() + 1900, letters.end(), 'N');
  CHECK(message(Genome({letters}), 100).find("split 'test' has no window of 100 bp") != std::string::npos);
  CHECK(message(Genome({letters}), 100).find("found 20 blocks of 100 bp") != std::string::npos);
  CHECK(message(Genome({std::string(5000, 'N')}), 100).find("split 'train'") != std::string::npos);
  CHECK_THROWS_AS(ligase::split_rows(Genome({bases(50)}), 0), Error);
}
