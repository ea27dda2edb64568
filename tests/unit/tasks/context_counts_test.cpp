#include <ligase/tasks/context_counts.hpp>

#include <ligase/core/random.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <string_view>
#include <vector>

using namespace ligase;

namespace {

using Codes = std::vector<std::uint8_t>;

Codes codes(std::string_view text) {
  Codes c;
  for (char x : text) {
    const auto letter = std::string_view("ACGT").find(x);
    c.push_back(x == '?' ? base_hidden : letter > 3 ? base_unknown : static_cast<std::uint8_t>(letter));
  }
  return c;
}

Codes reverse_complement(const Codes& c) {
  Codes r;
  for (auto x = c.rbegin(); x != c.rend(); ++x) r.push_back(*x < base_unknown ? static_cast<std::uint8_t>(3 - *x) : *x);
  return r;
}

/// The tally by going through the text: every place of every window and of its reverse complement whose visible context agrees.
ContextTally search(const std::vector<Codes>& train, ContextSide side, int k, const Codes& seen, Index i, std::uint8_t letter) {
  const Index right = side == ContextSide::both ? k : 0;
  ContextTally t;
  if (i < k || i + right >= static_cast<Index>(seen.size())) return t;
  t.hidden = 0;
  for (Index d = -k; d <= right; ++d) {
    const auto c = seen[static_cast<std::size_t>(i + d)];
    if (d != 0 && c == base_hidden) ++t.hidden;
    if (d != 0 && c == base_unknown) return {};
  }
  if (t.hidden > 4) return {};
  for (const Codes& window : train)
    for (const Codes& strand : {window, reverse_complement(window)})
      for (Index p = k; p + right < static_cast<Index>(strand.size()); ++p) {
        bool agrees = strand[static_cast<std::size_t>(p)] < base_unknown;
        for (Index d = -k; d <= right; ++d) {
          const auto want = seen[static_cast<std::size_t>(i + d)], have = strand[static_cast<std::size_t>(p + d)];
          if (d != 0) agrees = agrees && have < base_unknown && (want == base_hidden || want == have);
        }
        t.total += agrees;
        t.letter += agrees && strand[static_cast<std::size_t>(p)] == letter;
      }
  return t;
}

Codes random_text(Index length, std::uint64_t seed, bool with_unknown) {
  Codes c;
  for (Index i = 0; i < length; ++i) {
    const std::uint64_t r = splitmix64(seed * 1000 + static_cast<std::uint64_t>(i));
    c.push_back(with_unknown && (r >> 8) % 29 == 0 ? base_unknown : static_cast<std::uint8_t>(r & 1 ? 0 : (r >> 1) & 3));
  }
  return c;
}

}  // namespace

TEST_CASE("counts by hand") {
  const Codes text = codes("ACA");  // and TGT
  const std::vector<BaseWindow> train{{text, 0}};
  const ContextCounts both(ContextSide::both, 1, train), left(ContextSide::left, 1, train);
  CHECK(both.letter_count(0) == 2);
  CHECK(both.letter_count(1) == 1);
  CHECK(both.letter_count(3) == 2);
  const Codes seen = codes("A?A");
  CHECK(both.tally(1, seen, 1, 1).letter == 1);
  CHECK(both.tally(1, seen, 1, 0).letter == 0);
  CHECK(both.tally(1, seen, 1, 0).total == 1);
  CHECK(left.tally(1, codes("T?"), 1, 2).letter == 1);  // TG on the other strand
  CHECK(left.tally(1, codes("T?"), 1, 2).total == 1);
  CHECK(left.tally(1, codes("??"), 1, 2).total == 4);  // AC, CA, TG, GT
  CHECK(left.tally(1, codes("??"), 1, 2).hidden == 1);
  CHECK(left.tally(1, codes("??"), 0, 2).hidden == -1);
  CHECK(left.tally(1, codes("N?"), 1, 2).hidden == -1);
  CHECK(both.tally(1, seen, 2, 2).hidden == -1);
}

TEST_CASE("counts and sums over fillings equal a search through the text") {
  std::vector<Codes> texts;
  for (Index length : {0, 1, 2, 5, 9, 13, 14, 40, 300})
    texts.push_back(random_text(length, static_cast<std::uint64_t>(length), length > 30));
  std::vector<BaseWindow> train;
  for (const Codes& t : texts) train.push_back({t, 0});
  for (ContextSide side : {ContextSide::both, ContextSide::left}) {
    const int orders = side == ContextSide::both ? 4 : 5;
    const ContextCounts counts(side, orders, train);
    Index with_counts = 0, refused = 0;
    for (std::uint64_t variant = 0; variant < 3; ++variant) {
      Codes seen = variant == 0 ? texts.back() : random_text(60, 77 + variant, true);
      seen.resize(60);
      for (std::size_t i = 0; i < seen.size(); ++i)
        if (splitmix64(i + 1000 * variant) % 100 < 25) seen[i] = base_hidden;
      for (Index i = 0; i < 60; ++i)
        for (int k = 0; k <= orders; ++k)
          for (std::uint8_t x = 0; x < 4; ++x) {
            const ContextTally fast = counts.tally(k, seen, i, x), slow = search(texts, side, k, seen, i, x);
            CHECK(fast.hidden == slow.hidden);
            CHECK(fast.letter == slow.letter);
            CHECK(fast.total == slow.total);
            with_counts += k > 2 && fast.hidden > 0 && fast.letter > 0;
            refused += fast.hidden < 0;
          }
    }
    CHECK(with_counts > 50);
    CHECK(refused > 50);
  }
}

TEST_CASE("more than four masked context bases are not summed over") {
  const Codes text = random_text(200, 3, false);
  const std::vector<BaseWindow> train{{text, 0}};
  const ContextCounts counts(ContextSide::left, 5, train);
  CHECK(counts.tally(5, codes("A?????"), 5, 0).hidden == 4);
  CHECK(counts.tally(5, codes("??????"), 5, 0).hidden == -1);
}

TEST_CASE("both strands of a text give the same counts") {
  const Codes text = random_text(500, 5, true), other = reverse_complement(text);
  const std::vector<BaseWindow> a{{text, 0}}, b{{other, 0}};
  for (ContextSide side : {ContextSide::both, ContextSide::left}) {
    const ContextCounts one(side, 3, a), two(side, 3, b);
    for (Index i = 0; i < 500; ++i) CHECK(one.tally(3, text, i, 1).letter == two.tally(3, text, i, 1).letter);
  }
}

TEST_CASE("orders without a table are refused") {
  CHECK_THROWS_WITH_AS(ContextCounts(ContextSide::both, 7, {}),
                       "context model: this order has no table of counts; expected 0 to 6, found 7", Error);
  CHECK_THROWS_AS(ContextCounts(ContextSide::left, 13, {}), Error);
  CHECK_THROWS_AS(ContextCounts(ContextSide::left, -1, {}), Error);
}
