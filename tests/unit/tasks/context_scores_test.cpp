#include <ligase/tasks/context_scores.hpp>

#include <doctest/doctest.h>
#include <support/genome.hpp>
#include <support/shared.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <string>
#include <vector>

using namespace ligase;

namespace {

/// A value as a table prints it: three decimals. Four of yeast lie up to 5e-5 beyond half a digit, hence the 5.6e-4.
struct Printed {
  std::string name;
  double bits;
};

void check_table(const std::vector<ContextScore>& scores, const std::vector<Printed>& table) {
  std::map<std::string, double> bits;
  for (const ContextScore& s : scores) bits[s.name] = s.bits.bits;
  for (const Printed& p : table) {
    CAPTURE(p.name);
    CAPTURE(bits.at(p.name));
    CHECK(std::abs(bits.at(p.name) - p.bits) <= 5.6e-4);
  }
}

/// p(x given both neighbours) from pooled counts, order 0 where a neighbour is masked or outside.
double both_neighbours(const ligase_test::Genome& genome) {
  const ContextCounts counts(ContextSide::both, 1, genome.splits.at("train"));
  double all = 0;
  for (std::uint8_t x = 0; x < 4; ++x) all += counts.letter_count(x);
  WindowBits sum;
  for (const BaseWindow& w : genome.sample("test", 200))
    for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}}) {
      std::vector<std::uint8_t> seen(w.codes.begin(), w.codes.end());
      const auto positions = hash_mask(w.start, 1024, seed);
      for (Index i : positions) seen[static_cast<std::size_t>(i)] = base_hidden;
      for (Index i : positions) {
        const std::uint8_t x = w.codes[static_cast<std::size_t>(i)];
        const ContextTally t = counts.tally(1, seen, i, x);
        sum += {-std::log2(t.hidden == 0 ? t.letter / t.total : counts.letter_count(x) / all), 1};
      }
    }
  return sum.mean();
}

}  // namespace

TEST_CASE("context model by hand: interpolation, back-off and the choice of b") {
  // Train ACAC..., tuned on the same text: in context A_A and C_C, G_G, T_T there is no doubt.
  std::vector<std::uint8_t> text;
  for (int i = 0; i < 400; ++i) text.push_back(static_cast<std::uint8_t>(i % 2));
  const std::vector<BaseWindow> windows{{text, 0}};
  const ContextCounts counts(ContextSide::both, 2, windows);
  const ContextModel model(counts, windows, {0}, 1);
  CHECK(model.smoothing(1, 0) == 1.0);  // the smallest of the grid

  const double p0 = 201.0 / 804.0;  // 200 of each letter, one added
  const std::vector<std::uint8_t> seen{0, base_hidden, 0, base_unknown, 0, base_hidden, base_hidden};
  const auto p = model.probabilities(seen, 1, 1);
  REQUIRE(p.size() == 3);
  CHECK(p[0].summed == doctest::Approx(p0));
  CHECK(p[1].summed == doctest::Approx((199 + p0) / 200));  // A_A: 199 times C
  CHECK(p[2].summed == p[1].summed);                        // order 2 leaves the window
  CHECK(p[1].backoff == p[1].summed);

  const double b = model.smoothing(1, 1);
  const auto masked = model.probabilities(seen, 5, 1);  // A then masked: A_A, and no A_x else
  CHECK(masked[1].summed == doctest::Approx((199 + b * p0) / (199 + b)));
  CHECK(masked[1].backoff == masked[0].backoff);
  const auto unknown = model.probabilities(seen, 2, 0);  // masked on the left, unknown on the right
  CHECK(unknown[1].summed == unknown[0].summed);
}

TEST_CASE("b is the best of the grid") {
  std::vector<std::vector<std::uint8_t>> texts(40, std::vector<std::uint8_t>(120));
  std::vector<BaseWindow> windows;
  for (std::size_t w = 0; w < texts.size(); ++w) {
    for (std::size_t i = 0; i < 120; ++i) {
      const std::uint64_t r = splitmix64(w * 1000 + i);
      texts[w][i] = i > 0 && r % 3 == 0 ? static_cast<std::uint8_t>(3 - texts[w][i - 1]) : static_cast<std::uint8_t>(r >> 20 & 3);
    }
    windows.push_back({texts[w], 5000 * w});
  }
  const auto train = std::span<const BaseWindow>(windows).first(20), valid = std::span<const BaseWindow>(windows).last(20);
  const ContextCounts counts(ContextSide::left, 2, train);
  const ContextModel model(counts, valid, {}, 1);
  double best = 1e300, best_b = 0;
  for (int e = 0; e <= ContextModel::largest_exponent; ++e) {
    const double b = std::ldexp(1.0, e);
    double bits = 0;
    for (const BaseWindow& w : valid)
      for (Index i = 1; i < 120; ++i) {
        const std::uint8_t x = w.codes[static_cast<std::size_t>(i)];
        const ContextTally t = counts.tally(1, w.codes, i, x);
        const double p0 = (counts.letter_count(x) + 1.0) / (20 * 240 + 4.0);
        bits -= std::log2((t.letter + b * p0) / (t.total + b));
      }
    if (bits < best) best = bits, best_b = b;
  }
  CHECK(model.smoothing(1, 0) == best_b);
  CHECK(best_b > 1.0);
  CHECK(best_b < 65536.0);
}

TEST_CASE("threads do not change a bit; names and windows; refusals") {
  std::vector<std::vector<std::uint8_t>> texts(30, std::vector<std::uint8_t>(200));
  std::vector<BaseWindow> windows;
  for (std::size_t w = 0; w < texts.size(); ++w) {
    for (std::size_t i = 0; i < 200; ++i) {
      const std::uint64_t r = splitmix64(w * 200 + i);
      texts[w][i] = r % 97 == 0 ? base_unknown : static_cast<std::uint8_t>(r & 3);
    }
    windows.push_back({texts[w], 1000 * w});
  }
  const std::span<const BaseWindow> all(windows);
  const auto run = [&](int threads) {
    return masked_context_scores(all.first(20), all.subspan(20, 5), all.last(5), {0, 1},
                                 {.two_sided_order = 3, .left_order = 4, .threads = threads});
  };
  const auto one = run(1), two = run(2);
  REQUIRE(one.size() == 1 + 2 * 3 + 2 * 4);
  CHECK(one[0].name == "order_0");
  CHECK(one[1].name == "two_sided_1");
  CHECK(one[2].name == "two_sided_1_backoff");
  CHECK(one.back().name == "left_4_backoff");
  for (std::size_t s = 0; s < one.size(); ++s) {
    CHECK(one[s].bits.bits == two[s].bits.bits);
    REQUIRE(one[s].windows.size() == 5);
    for (std::size_t w = 0; w < 5; ++w) CHECK(one[s].windows[w].bits == two[s].windows[w].bits);
    CHECK(one[s].bits.targets > 280);
    CHECK(one[s].bits.targets < 300);  // 5 windows, 2 seeds, 30 positions, less the unknown ones
  }
  const auto causal = causal_context_scores(all.first(20), all.subspan(20, 5), all.last(5), {.left_order = 2});
  REQUIRE(causal.size() == 3);
  CHECK(causal[2].name == "left_2");
  CHECK(causal[0].bits.targets > 900);
  CHECK_THROWS_AS(masked_context_scores(all.first(20), {}, all.last(5), {0}), Error);
  CHECK_THROWS_WITH_AS(masked_context_scores({}, all.last(5), all.last(5), {0}),
                       "a context model needs train windows with bases and tuning windows; expected at least one of each, found "
                       "no train base", Error);
}

TEST_CASE("table of E. coli") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no shared data");
    return;
  }
  const auto genome = ligase_test::Genome::ecoli(*shared);
  const auto &train = genome.splits.at("train"), &valid = genome.splits.at("valid"), &test = genome.splits.at("test");
  check_table(masked_context_scores(train, valid, test, {0}),
              {{"order_0", 2.000}, {"two_sided_2", 1.927}, {"two_sided_3", 1.901}, {"two_sided_4", 1.885}, {"two_sided_6", 1.876},
               {"left_3", 1.962}, {"left_11", 1.944}});
  check_table(causal_context_scores(train, valid, test), {{"order_0", 2.000}, {"left_3", 1.952}, {"left_11", 1.929}});
  CHECK(std::abs(both_neighbours(genome) - 1.969199) < 1e-6);

  const ContextCounts counts(ContextSide::both, 6, train);
  const auto full = ContextModel(counts, valid, {}).score(test, {}).summed;
  CHECK(std::abs(bits_per_base(full[3]).bits - 1.869) < 5.6e-4);
  CHECK(std::abs(bits_per_base(full[4]).bits - 1.847) < 5.6e-4);
  CHECK(std::abs(bits_per_base(full[6]).bits - 1.843) < 5.6e-4);
}

TEST_CASE("table of yeast") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no shared data");
    return;
  }
  const auto genome = ligase_test::Genome::yeast(*shared);
  const auto &train = genome.splits.at("train"), &valid = genome.splits.at("valid"), &test = genome.splits.at("test");
  check_table(masked_context_scores(train, valid, test, {0}),
              {{"order_0", 1.957}, {"two_sided_2", 1.932}, {"two_sided_3", 1.924}, {"two_sided_4", 1.920}, {"two_sided_6", 1.897},
               {"left_3", 1.941}, {"left_11", 1.922}});
  check_table(causal_context_scores(train, valid, test), {{"order_0", 1.959}, {"left_3", 1.941}, {"left_11", 1.907}});
  CHECK(std::abs(both_neighbours(genome) - 1.942461) < 1e-6);
}

TEST_CASE("table of human chr20: the sample of 200 windows, both seeds") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no shared data");
    return;
  }
  const auto genome = ligase_test::Genome::human(*shared);
  const auto &train = genome.splits.at("train"), &valid = genome.splits.at("valid");
  const auto sample = genome.sample("test", 200);
  CHECK(std::abs(both_neighbours(genome) - 1.912129) < 1e-6);
  const auto scores = masked_context_scores(train, valid, sample, {0, 1});
  check_table(scores, {{"order_0", 1.987}, {"two_sided_1", 1.900}, {"two_sided_2", 1.881}, {"two_sided_3", 1.868},
                       {"two_sided_4", 1.844}, {"two_sided_5", 1.811}, {"two_sided_6", 1.783}, {"left_11", 1.849},
                       {"two_sided_1_backoff", 1.912}, {"two_sided_2_backoff", 1.900}, {"two_sided_3_backoff", 1.892},
                       {"two_sided_4_backoff", 1.882}, {"two_sided_5_backoff", 1.874}, {"two_sided_6_backoff", 1.870},
                       {"left_11_backoff", 1.903}});

  const auto two_sided_6 = std::find_if(scores.begin(), scores.end(), [](const auto& s) { return s.name == "two_sided_6"; });
  CHECK(std::abs(two_sided_6->bits.standard_error - 0.012) < 1e-3);
  std::ifstream stored(*shared / "reference" / "bits_per_base_windows.csv");
  std::string line;
  std::getline(stored, line);
  for (std::size_t w = 0; w < 200; ++w) {
    REQUIRE(std::getline(stored, line));
    for (int comma = 0; comma < 4; ++comma) line.erase(0, line.find(',') + 1);
    CHECK(std::abs(two_sided_6->windows[w].mean() - std::stod(line)) < 5e-4);
  }
}
