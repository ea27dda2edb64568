#include <ligase/tasks/bits_per_base.hpp>

#include <doctest/doctest.h>
#include <support/genome.hpp>
#include <support/shared.hpp>

#include <cmath>
#include <cstdint>
#include <set>
#include <vector>

using namespace ligase;

namespace {

/// The hash written down again, straight from the definition.
std::uint64_t hash_by_definition(std::uint64_t g, std::uint64_t s) {
  std::uint64_t z = g + s * 1099511627776ULL + 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

struct Control {
  std::uint64_t first_start;
  std::array<Index, 10> first_seed0;
  std::array<Index, 3> last_seed0;
  std::array<Index, 10> first_seed1;
  std::array<Index, 4> train_letters;
  std::array<Index, 4> masked_letters;
  double share_a, order0_seed0, order0_seed1, order0_all;
};

void check_controls(const ligase_test::Genome& genome, const Control& c) {
  const auto& test = genome.splits.at("test");
  REQUIRE(test.front().start == c.first_start);
  const auto seed0 = hash_mask(c.first_start, 1024, 0), seed1 = hash_mask(c.first_start, 1024, 1);
  REQUIRE(seed0.size() == 154);
  CHECK(std::equal(c.first_seed0.begin(), c.first_seed0.end(), seed0.begin()));
  CHECK(std::equal(c.last_seed0.begin(), c.last_seed0.end(), seed0.end() - 3));
  CHECK(std::equal(c.first_seed1.begin(), c.first_seed1.end(), seed1.begin()));

  std::array<Index, 4> letters{};
  for (const BaseWindow& w : genome.splits.at("train"))
    for (std::uint8_t x : w.codes) ++letters[x];
  CHECK(letters == c.train_letters);
  const double at = static_cast<double>(letters[0] + letters[3]), all = at + static_cast<double>(letters[1] + letters[2]);
  const double p_at = at / all / 2, p_cg = 0.5 - p_at;
  CHECK(std::abs(p_at - c.share_a) < 5e-7);

  // The order-0 model goes through the logits of a vocabulary that has more than letters.
  const std::vector<float> row{3.0f, static_cast<float>(std::log(p_at)), static_cast<float>(std::log(p_cg)),
                               static_cast<float>(std::log(p_cg)), static_cast<float>(std::log(p_at)), 9.0f};
  std::vector<float> logits;
  for (int i = 0; i < 1024; ++i) logits.insert(logits.end(), row.begin(), row.end());
  const LetterIds ids{{{{1}, {2}, {3}, {4}}}};
  const auto order0 = [&](const std::vector<BaseWindow>& windows, std::uint64_t seed, std::array<Index, 4>* masked) {
    std::vector<WindowBits> scores;
    for (const BaseWindow& w : windows) {
      const auto positions = hash_mask(w.start, static_cast<Index>(w.codes.size()), seed);
      scores.push_back(score_window<float>(w.codes, positions, logits, 6, ids));
      if (masked)
        for (Index i : positions) ++(*masked)[w.codes[static_cast<std::size_t>(i)]];
    }
    return bits_per_base(scores).bits;
  };
  std::array<Index, 4> masked{};
  const auto sample = genome.sample("test", 200);
  CHECK(std::abs(order0(sample, 0, &masked) - c.order0_seed0) < 1e-6);
  CHECK(std::abs(order0(sample, 1, nullptr) - c.order0_seed1) < 1e-6);
  CHECK(std::abs(order0(test, 0, nullptr) - c.order0_all) < 1e-6);
  CHECK(masked == c.masked_letters);
}

}  // namespace

TEST_CASE("hash mask: the smallest hashes, by brute force") {
  for (const Index length : {1, 3, 4, 10, 100, 1024})
    for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{7}}) {
      const std::uint64_t start = 62'345'678;
      const auto chosen = hash_mask(start, length, seed);
      CHECK(static_cast<Index>(chosen.size()) == static_cast<Index>(std::floor(0.15 * static_cast<double>(length) + 0.5)));
      CHECK(std::is_sorted(chosen.begin(), chosen.end()));
      const std::set<Index> in(chosen.begin(), chosen.end());
      for (Index i = 0; i < length; ++i) {
        Index smaller = 0;
        for (Index j = 0; j < length; ++j)
          smaller += hash_by_definition(start + static_cast<std::uint64_t>(j), seed) <
                     hash_by_definition(start + static_cast<std::uint64_t>(i), seed);
        CHECK((smaller < static_cast<Index>(chosen.size())) == in.contains(i));
      }
    }
  CHECK(hash_mask(0, 0, 0).empty());
}

TEST_CASE("hash mask of spans hides whole spans") {
  const auto hidden = hash_mask_spans(600, 1024, 0);  // 171 spans, the last of 4 bases: floor(25.65 + 0.5) = 26
  std::set<Index> spans;
  for (Index i : hidden) spans.insert(i / 6);
  CHECK(spans.size() == 26);
  CHECK(hidden.size() == 26 * 6 - (spans.contains(170) ? 2 : 0));
  Index smaller = 0;
  for (Index s = 0; s < 171; ++s)
    smaller += hash_by_definition(600 + static_cast<std::uint64_t>(6 * s), 0) <
               hash_by_definition(600 + static_cast<std::uint64_t>(6 * *spans.begin()), 0);
  CHECK(smaller < 26);
}

TEST_CASE("sample rows") {
  const auto human = sample_rows(12400, 200);
  CHECK(human.size() == 200);
  CHECK(human[1] == 62);
  CHECK(human.back() == 12338);
  CHECK(sample_rows(453, 200)[3] == 6);
  CHECK(sample_rows(3, 200) == std::vector<Index>{0, 1, 2});
  CHECK(sample_rows(0, 200).empty());
}

TEST_CASE("letter bits: other symbols left out, cases added, extreme logits") {
  const LetterIds upper{{{{0}, {1}, {2}, {3}}}};
  const std::vector<double> y{std::log(0.5), std::log(0.25), std::log(0.125), std::log(0.125), 50.0};
  CHECK(letter_bits<double>(y, upper, 0) == doctest::Approx(1.0));
  CHECK(letter_bits<double>(y, upper, 3) == doctest::Approx(3.0));

  const LetterIds both{{{{0, 4}, {1, 5}, {2, 6}, {3, 7}}}};
  const std::vector<double> cases{std::log(0.1), std::log(0.2), std::log(0.05), std::log(0.15),
                                  std::log(0.15), std::log(0.05), std::log(0.2), std::log(0.1)};
  CHECK(letter_bits<double>(cases, both, 2) == doctest::Approx(2.0));

  const std::vector<double> far{0.0, -2000.0, -3000.0, -4000.0};
  CHECK(letter_bits<double>(far, upper, 1) == doctest::Approx(2000.0 / std::log(2.0)));
  const std::vector<double> huge{1e300, 1e300, -1e300, -1e300};
  CHECK(letter_bits<double>(huge, upper, 1) == doctest::Approx(1.0));

  const std::vector<double> bad{0.0, std::nan(""), 0.0, 0.0};
  CHECK_THROWS_WITH_AS(letter_bits<double>(bad, upper, 0),
                       "the logits of A, C, G, T give no probabilities; expected finite numbers, found NaN or infinity", Error);
  const std::vector<double> infinite{0.0, std::numeric_limits<double>::infinity(), 0.0, 0.0};
  CHECK_THROWS_AS(letter_bits<double>(infinite, upper, 0), Error);
}

TEST_CASE("scores of a window: unknown letters are no targets, rows may be shifted") {
  const std::vector<std::uint8_t> codes{0, base_unknown, 3};
  const std::vector<Index> positions{0, 1, 2};
  const LetterIds ids{{{{0}, {1}, {2}, {3}}}};
  const float l8 = static_cast<float>(std::log(8.0));
  const std::vector<float> logits{9, 9, 0, 0, /* row of A */ 0, 0, 0, 0, /* N */ 0, 0, 0, 0, /* T, 8 : 11 */ 0, 0, 0, l8};
  const auto score = score_window<float>(codes, positions, logits, 4, ids, 1);
  CHECK(score.targets == 2);
  CHECK(score.bits == doctest::Approx(2.0 + std::log2(11.0 / 8.0)));
  CHECK(score_window<float>(codes, std::vector<Index>{0}, logits, 4, ids).bits != doctest::Approx(2.0));
  CHECK_THROWS_AS(score_window<float>(codes, positions, logits, 4, ids, 2), Error);
  CHECK_THROWS_AS(score_window<float>(codes, positions, logits, 4, ids, -1), Error);
  CHECK_THROWS_AS(score_window<float>(codes, std::vector<Index>{3}, logits, 4, ids), Error);
  const LetterIds outside{{{{0}, {1}, {2}, {4}}}};
  CHECK_THROWS_WITH_AS(score_window<float>(codes, positions, logits, 4, outside),
                       "every letter needs ids inside the vocabulary; expected ids in 0 .. 3", Error);
}

TEST_CASE("mean over targets, error over windows, paired differences") {
  const std::vector<WindowBits> a{{2.0, 1}, {9.0, 3}, {0.0, 0}, {4.0, 4}};  // window means 2, 3, none, 1
  const auto summary = bits_per_base(a);
  CHECK(summary.bits == doctest::Approx(15.0 / 8.0));
  CHECK(summary.windows == 3);
  CHECK(summary.targets == 8);
  CHECK(summary.standard_error == doctest::Approx(1.0 / std::sqrt(3.0)));
  CHECK(summary.perplexity() == doctest::Approx(std::pow(2.0, 1.875)));
  CHECK(summary.nats() == doctest::Approx(1.875 * std::log(2.0)));

  const std::vector<WindowBits> b{{1.0, 1}, {3.0, 3}, {5.0, 1}, {0.0, 4}};  // differences 1, 2, -, 1
  const auto difference = paired_difference(a, b);
  CHECK(difference.windows == 3);
  CHECK(difference.mean == doctest::Approx(4.0 / 3.0));
  CHECK(difference.standard_error == doctest::Approx(1.0 / 3.0));
  CHECK_THROWS_AS(paired_difference(a, std::span(b).first(3)), Error);
  CHECK(std::isnan(bits_per_base(std::span(a).first(1)).standard_error));
  CHECK(std::isnan(bits_per_base({}).bits));
}

TEST_CASE("control numbers: human chr20") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no shared data");
    return;
  }
  check_controls(ligase_test::Genome::human(*shared),
                 {13107200, {1, 10, 22, 32, 42, 44, 49, 51, 62, 65}, {993, 996, 1012}, {7, 8, 16, 17, 31, 32, 35, 57, 61, 63},
                  {8529735, 7288500, 7305412, 8644929}, {8947, 6581, 6557, 8715}, 0.270309, 1.987524, 1.986219, 1.986013});
}

TEST_CASE("control numbers: yeast") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no shared data");
    return;
  }
  check_controls(ligase_test::Genome::yeast(*shared),
                 {0, {3, 10, 18, 21, 41, 48, 49, 68, 82, 83}, {992, 997, 1012}, {0, 4, 8, 20, 21, 36, 50, 54, 58, 61},
                  {3148210, 1956027, 1949873, 3137762}, {9725, 5705, 5881, 9489}, 0.308382, 1.955444, 1.959010, 1.956754});
}

TEST_CASE("control numbers: E. coli") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no shared data");
    return;
  }
  check_controls(ligase_test::Genome::ecoli(*shared),
                 {4174848, {2, 3, 15, 21, 23, 30, 47, 48, 52, 55}, {1013, 1016, 1021}, {5, 6, 7, 22, 33, 36, 40, 63, 64, 65},
                  {915348, 946560, 935325, 913743}, {7459, 7703, 8188, 7450}, 0.246443, 1.999492, 1.999779, 1.999611});
}
