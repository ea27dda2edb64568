#include <ligase/tasks/known_kmers.hpp>

#include <ligase/core/random.hpp>

#include <doctest/doctest.h>
#include <support/genome.hpp>
#include <support/shared.hpp>

#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

using namespace ligase;

namespace {

std::vector<std::uint8_t> random_text(std::size_t length, std::uint64_t seed) {
  std::vector<std::uint8_t> c;
  for (std::size_t i = 0; i < length; ++i) c.push_back(static_cast<std::uint8_t>(splitmix64(seed + i) & 3));
  return c;
}

}  // namespace

TEST_CASE("known 24-mers: either strand, windows and unknown bases break them") {
  const auto a = random_text(100, 1000), b = random_text(50, 5000);
  const std::vector<BaseWindow> train{{a, 0}, {b, 100}, {a, 200}};
  const KnownKmers known(train, 2);
  CHECK(known.size() == 77 + 27);

  CHECK(known.share(a).share() == 1.0);
  std::vector<std::uint8_t> reverse(a.rbegin(), a.rend());
  for (auto& x : reverse) x = static_cast<std::uint8_t>(3 - x);
  CHECK(known.share(reverse).known == 77);

  std::vector<std::uint8_t> joined(a);  // the 23 24-mers over the seam stand in no window
  joined.insert(joined.end(), b.begin(), b.end());
  CHECK(known.share(joined).known == 77 + 27);
  CHECK(known.share(joined).total == 127);

  auto broken = a;
  broken[50] = base_unknown;  // runs of 50 and 49 bases
  CHECK(known.share(broken).total == 27 + 26);
  CHECK(known.share(broken).known == 53);

  broken[50] = static_cast<std::uint8_t>(a[50] ^ 1);
  CHECK(known.share(broken).known == 53);
  CHECK(known.share(broken).total == 77);

  CHECK(known.share(random_text(100, 99999)).none());
  CHECK(known.share(std::span(a).first(23)).total == 0);
  CHECK(known.share(std::span(a).first(23)).share() == 0.0);
  CHECK(KnownKmers({}).size() == 0);
  CHECK(KnownKmers({}).share(a).none());
}

TEST_CASE("known 24-mers of E. coli: 2.0 %, 85 % of the windows have none") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no shared data");
    return;
  }
  const auto genome = ligase_test::Genome::ecoli(*shared);
  const KnownKmers known(genome.splits.at("train"));
  double share = 0, none = 0;
  const auto& test = genome.splits.at("test");
  for (const BaseWindow& w : test) {
    share += known.share(w.codes).share();
    none += known.share(w.codes).none();
  }
  CHECK(std::abs(share / static_cast<double>(test.size()) - 0.020) < 5e-4);
  CHECK(std::abs(none / static_cast<double>(test.size()) - 0.85) < 5e-3);
}

TEST_CASE("known 24-mers of human chr20 equal the stored shares") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no shared data");
    return;
  }
  const auto genome = ligase_test::Genome::human(*shared);
  const KnownKmers known(genome.splits.at("train"));
  std::ifstream stored(*shared / "reference" / "bits_per_base_windows.csv");
  std::string line;
  std::getline(stored, line);
  Index rows = 0, none = 0;
  for (const BaseWindow& w : genome.sample("test", 200)) {
    REQUIRE(std::getline(stored, line));
    std::istringstream fields(line);
    std::string row, start, share;
    std::getline(fields, row, ',');
    std::getline(fields, start, ',');
    std::getline(fields, share, ',');
    CHECK(std::stoull(start) == w.start);
    CHECK(std::abs(known.share(w.codes).share() - std::stod(share)) < 5.1e-5);
    none += known.share(w.codes).none();
    ++rows;
  }
  CHECK(rows == 200);
  CHECK(none == 90);
  Index every_fourth = 0;
  const auto& test = genome.splits.at("test");
  for (std::size_t w = 0; w < test.size(); w += 4) every_fourth += known.share(test[w].codes).none();
  CHECK(every_fourth == 1300);
}
