#include <evaluate/report.hpp>
#include <evaluate/score.hpp>

#include <doctest/doctest.h>

#include <unistd.h>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

using namespace ligase;
using namespace ligase_cli;

namespace {

constexpr Index vocabulary = 16;

/// 100 bp each, with an N at position 7 of the second and nothing but N in the third.
std::vector<LetterWindow> three_windows() {
  std::vector<std::string> letters(3, std::string(100, 'N'));
  for (std::size_t w = 0; w < 2; ++w)
    for (std::size_t i = 0; i < 100; ++i) letters[w][i] = "ACGTacgt"[splitmix64(100 * w + i) & 7];
  letters[1][7] = 'N';
  std::vector<LetterWindow> windows;
  for (std::size_t w = 0; w < 3; ++w) windows.emplace_back(letters[w], static_cast<Index>(1000 * w));
  return windows;
}

Tensor<float> no_opinion(const Tensor<TokenId>& ids) {
  return Tensor<float>::zeros({ids.shape()[0], ids.shape()[1], vocabulary});
}

/// Logits that depend on place and neighbours only.
Tensor<float> some_opinion(const Tensor<TokenId>& ids) {
  auto y = no_opinion(ids);
  const Index length = ids.shape()[1];
  for (Index r = 0; r < ids.count(); ++r)
    for (Index v = 0; v < vocabulary; ++v)
      y.span()[static_cast<std::size_t>(r * vocabulary + v)] =
          std::sin(static_cast<float>(ids.span()[static_cast<std::size_t>(r)] * 7 + v + r % length));
  return y;
}

void nothing(Index) {}

}  // namespace

TEST_CASE("evaluate: equal logits are exactly 2 bits of four letters and 4 bits of sixteen tokens") {
  const auto windows = three_windows();
  for (const WindowScorer& scorer : {WindowScorer::masked({0, 1}), WindowScorer::causal({.25, .25, .25, .25})}) {
    const auto scores = scorer(windows, 2, no_opinion, nothing);
    REQUIRE(scores.size() == 3);
    CHECK(scores[0].letters.mean() == 2.0);
    CHECK(scores[1].letters.mean() == 2.0);
    CHECK(scores[2].letters.targets == 0);
  }
  const auto masked = WindowScorer::masked({0, 1})(windows, 2, no_opinion, nothing);
  CHECK(masked[0].letters.targets == 30);
  CHECK(masked[0].vocabulary.targets == 30);
  CHECK(masked[0].vocabulary.mean() == 4.0);
}

TEST_CASE("evaluate: a masked model sees [MASK] where the hash says so, [PAD] for N, and the other letters") {
  const auto windows = three_windows();
  std::vector<std::vector<TokenId>> seen;
  std::vector<Index> progress;
  WindowScorer::masked({3, 5})(
      windows, 4,
      [&](const Tensor<TokenId>& ids) {
        for (Index r = 0; r < ids.shape()[0]; ++r) {
          const auto row = ids.span().subspan(static_cast<std::size_t>(100 * r), 100);
          seen.emplace_back(row.begin(), row.end());
        }
        return no_opinion(ids);
      },
      [&](Index done) { progress.push_back(done); });
  CHECK(progress == std::vector<Index>{4, 6});
  REQUIRE(seen.size() == 6);
  for (std::size_t row = 0; row < 6; ++row) {
    const LetterWindow& window = windows[row / 2];
    const auto hidden = hash_mask(window.start(), 100, row % 2 == 0 ? 3 : 5);
    CHECK(hidden.size() == 15);
    for (std::size_t i = 0; i < 100; ++i) {
      const bool masked = std::count(hidden.begin(), hidden.end(), static_cast<Index>(i)) > 0;
      const TokenId read = window.codes()[i] < 4 ? CharTokenizer::a + window.codes()[i] : CharTokenizer::pad;
      CHECK(seen[row][i] == (masked ? CharTokenizer::mask : read));
    }
  }
}

TEST_CASE("evaluate: a causal model is read one place before, and nothing is hidden from it") {
  const auto windows = three_windows();
  const auto knows_next = [&](const Tensor<TokenId>& ids) {
    auto y = no_opinion(ids);
    for (Index r = 0; r + 1 < ids.count(); ++r)
      y.span()[static_cast<std::size_t>(r * vocabulary + ids.span()[static_cast<std::size_t>(r) + 1])] = 60;
    return y;
  };
  const auto scores = WindowScorer::causal({.5, .25, .125, .125})(windows, 8, knows_next, nothing);
  const double start[] = {1, 2, 3, 3};
  CHECK(scores[0].letters.bits == doctest::Approx(start[windows[0].codes()[0]]));
  CHECK(scores[0].letters.targets == 100);
  CHECK(scores[1].letters.targets == 99);
  CHECK(scores[0].vocabulary.bits == doctest::Approx(scores[0].letters.bits));
}

TEST_CASE("evaluate: batches do not change a bit") {
  const auto windows = three_windows();
  const WindowScorer scorer = WindowScorer::masked({0, 1, 2});
  const auto one = scorer(windows, 1, some_opinion, nothing), all = scorer(windows, 8, some_opinion, nothing);
  for (std::size_t w = 0; w < 3; ++w) {
    CHECK(one[w].letters.bits == all[w].letters.bits);
    CHECK(one[w].vocabulary.bits == all[w].vocabulary.bits);
  }
  CHECK(one[0].letters.bits != 90.0);
  CHECK(one[0].vocabulary.bits > one[0].letters.bits);
}

TEST_CASE("evaluate: summaries of all windows and of those without a known 24-mer, and the table of windows") {
  Evaluation e;
  e.places = {{0, "chr1", 0}, {5, "a,b", 500}, {9, "chr1", 900}};
  e.model = {{{15, 10}, {20, 10}}, {{36, 20}, {40, 20}}, {{19, 10}, {20, 10}}};
  e.known = {{0, 77}, {7, 70}, {0, 77}};
  const std::vector<WindowBits> rival{{16, 10}, {38, 20}, {19, 10}};
  e.context_models = {{"two_sided_3", bits_per_base(rival), rival}};

  const Summary all = summarize(e, false);
  CHECK(all.letters.bits == doctest::Approx(70.0 / 40));
  // Means of the windows 1.5, 1.8, 1.9: squared deviations 0.0867 in all, over n (n - 1) = 6.
  CHECK(all.letters.standard_error == doctest::Approx(std::sqrt(0.26 / 3 / 6)));
  REQUIRE(all.rivals.size() == 1);
  CHECK(all.rivals[0].bits.bits == doctest::Approx(73.0 / 40));
  CHECK(all.rivals[0].difference.mean == doctest::Approx(-0.2 / 3));
  const Summary unknown = summarize(e, true);
  CHECK(unknown.letters.bits == doctest::Approx(34.0 / 20));
  CHECK(unknown.letters.windows == 2);
  CHECK(unknown.rivals[0].bits.bits == doctest::Approx(35.0 / 20));

  OrderedJson json;
  add_summary(json, all);
  CHECK(json.at("loss").get<double>() == doctest::Approx(std::log(2.0) * 70 / 40));
  CHECK(json.at("perplexity").get<double>() == doctest::Approx(std::exp(json.at("loss").get<double>())));
  CHECK(json.at("loss_over_vocabulary").get<double>() == doctest::Approx(std::log(2.0) * 80 / 40));
  CHECK(json.at("context_models").at("two_sided_3").get<double>() == doctest::Approx(73.0 / 40));

  const auto path = std::filesystem::temp_directory_path() / ("ligase_windows_" + std::to_string(::getpid()) + ".csv");
  write_windows(path, e);
  CHECK(read_file(path) ==
        "window,chrom,start,targets,share_24mers_in_train,model,two_sided_3\n"
        "0,chr1,0,10,0.0000,1.500000000,1.600000000\n"
        "5,\"a,b\",500,20,0.1000,1.800000000,1.900000000\n"
        "9,chr1,900,10,0.0000,1.900000000,1.900000000\n");
  std::filesystem::remove(path);
}
