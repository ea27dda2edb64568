#include <ligase/data/masking.hpp>

#include <ligase/core/error.hpp>

#include <doctest/doctest.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace {

using ligase::RandomStream;
using ligase::TargetIds;
using ligase::TokenId;

constexpr TokenId mask = 3, pad = 4;

/// Is a count of successes in n trials of probability p within 5 standard deviations?
bool plausible(double count, double n, double p) { return std::abs(count - n * p) <= 5 * std::sqrt(n * p * (1 - p)); }

struct Masked {
  std::vector<TokenId> tokens, labels;
};
Masked corrupt(std::vector<TokenId> tokens, double p, const TargetIds& ids, const RandomStream& stream) {
  std::vector<TokenId> labels(tokens.size(), -7);
  ligase::mask_tokens(tokens, labels, p, ids, stream);
  return {tokens, labels};
}

}  // namespace

TEST_CASE("shares of masked, random and kept positions are those of the recipe") {
  const std::size_t n = 400000;
  const double p = 0.15;
  for (const bool acgt : {false, true}) {
    CAPTURE(acgt);
    const TargetIds ids = acgt ? TargetIds{}.acgt_only() : TargetIds{};
    const std::vector<TokenId> original(n, 7);
    const auto [tokens, labels] = corrupt(original, p, ids, {11, 3, 5});
    double chosen = 0, masked = 0, other = 0, untouched_changed = 0;
    std::array<double, 12> random{};
    for (std::size_t t = 0; t < n; ++t) {
      if (labels[t] == pad) {
        untouched_changed += tokens[t] != 7;
        continue;
      }
      REQUIRE(labels[t] == 7);
      ++chosen;
      masked += tokens[t] == mask;
      other += tokens[t] != mask && tokens[t] != 7;
      ++random[static_cast<std::size_t>(tokens[t])];
    }
    CHECK(untouched_changed == 0);
    CHECK(plausible(chosen, n, p));
    if (acgt) {
      CHECK(plausible(masked, chosen, 0.8));
      CHECK(plausible(other, chosen, 0.1 * 3 / 4));
      CHECK(plausible(random[7], chosen, 0.1 + 0.1 / 4));
      for (const std::size_t id : {8U, 9U, 10U}) CHECK(plausible(random[id], chosen, 0.1 / 4));
      CHECK(random[0] + random[4] + random[11] == 0);
    } else {
      CHECK(plausible(masked, chosen, 0.8 + 0.1 / 12));
      CHECK(plausible(other, chosen, 0.1 * 10 / 12));
      CHECK(plausible(random[7], chosen, 0.1 + 0.1 / 12));
      for (const std::size_t id : {0U, 1U, 2U, 4U, 5U, 6U, 8U, 9U, 10U, 11U})
        CHECK(plausible(random[id], chosen, 0.1 / 12));
    }
  }
}

TEST_CASE("choices of neighbouring positions and samples are independent") {
  const std::size_t n = 200000;
  const std::vector<TokenId> tokens(n, 8);
  const auto a = corrupt(tokens, 0.15, {}, {1, 1, 0}).labels, b = corrupt(tokens, 0.15, {}, {1, 2, 0}).labels;
  double neighbours = 0, same = 0;
  for (std::size_t t = 1; t < n; ++t) {
    neighbours += a[t] != pad && a[t - 1] != pad;
    same += a[t] != pad && b[t] != pad;
  }
  CHECK(plausible(neighbours, n - 1, 0.15 * 0.15));
  CHECK(plausible(same, n - 1, 0.15 * 0.15));
}

TEST_CASE("N becomes [PAD] first; masks on [PAD] change the input and do not count") {
  std::vector<TokenId> tokens{7, 11, 8, 11, 9, 4};
  ligase::replace_unknown_bases(tokens, {});
  CHECK(tokens == std::vector<TokenId>{7, 4, 8, 4, 9, 4});

  std::vector<TokenId> pads(1000, pad);
  const auto masked = corrupt(pads, 1.0, {}, {1, 1, 1});
  CHECK(std::count(masked.labels.begin(), masked.labels.end(), pad) == 1000);
  CHECK(plausible(static_cast<double>(std::count(masked.tokens.begin(), masked.tokens.end(), mask)), 1000,
                  0.8 + 0.1 / 12));

  std::vector<TokenId> kept{11};
  ligase::replace_unknown_bases(kept, {.unknown_base = -1});
  CHECK(kept == std::vector<TokenId>{11});
}

TEST_CASE("probabilities 0 and 1") {
  const std::vector<TokenId> tokens{7, 8, 9, 10};
  const auto none = corrupt(tokens, 0.0, {}, {1, 1, 1});
  CHECK(none.tokens == tokens);
  CHECK(none.labels == std::vector<TokenId>(4, pad));
  CHECK(corrupt(tokens, 1.0, {}, {1, 1, 1}).labels == tokens);
}

TEST_CASE("a position's fate depends on stream and position only") {
  const std::vector<TokenId> shorter(100, 9), longer(300, 9);
  const auto a = corrupt(shorter, 0.5, {}, {1, 2, 3}), b = corrupt(longer, 0.5, {}, {1, 2, 3});
  CHECK(std::equal(a.tokens.begin(), a.tokens.end(), b.tokens.begin()));
  CHECK(std::equal(a.labels.begin(), a.labels.end(), b.labels.begin()));
  CHECK(corrupt(shorter, 0.5, {}, {2, 2, 3}).labels != a.labels);
  CHECK(corrupt(shorter, 0.5, {}, {1, 3, 3}).labels != a.labels);
}

TEST_CASE("tokens that overlap are masked in runs around centres, and as many of them in all") {
  ligase::TargetIds ids;
  ids.mask_left = 2;
  ids.mask_right = 3;
  const std::size_t n = 200000;
  std::vector<ligase::TokenId> tokens(n, 7), labels(n);
  ligase::mask_tokens(tokens, labels, 0.15, ids, ligase::RandomStream{1, 2, 3});
  std::size_t masked = 0, shortest = n, run = 0;
  for (std::size_t t = 0; t < n; ++t) {
    const bool is = labels[t] != ids.ignore;
    masked += is;
    if (!is && run > 0 && t > run) shortest = std::min(shortest, run);
    run = is ? run + 1 : 0;
  }
  CHECK(shortest == 6);
  // Centres with probability 0.025: 1 - 0.975^6 of all tokens; 10 standard errors of runs of six.
  CHECK(static_cast<double>(masked) / static_cast<double>(n) == doctest::Approx(1 - std::pow(0.975, 6)).epsilon(0.05));
}

TEST_CASE("next-token labels end with [SEP]") {
  const std::vector<TokenId> tokens{7, 8, 4, 10};
  std::vector<TokenId> labels(4);
  ligase::next_token_labels(tokens, labels, {});
  CHECK(labels == std::vector<TokenId>{8, 4, 10, 1});
}

TEST_CASE("what is no probability is refused") {
  for (const double p : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
    CHECK_THROWS_AS(ligase::check_probability("mlm-probability", p), ligase::Error);
  CHECK_THROWS_WITH(ligase::check_probability("mlm-probability", 2),
                    "mlm-probability: no probability; expected 0 to 1, found 2.000000");
  CHECK_NOTHROW(ligase::check_probability("mlm-probability", 0.15));
}
