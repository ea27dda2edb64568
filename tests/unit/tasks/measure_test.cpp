#include <ligase/seq/tokenizer/char.hpp>
#include <ligase/seq/tokenizer/kmer.hpp>
#include <ligase/seq/tokenizer/kmer_overlap.hpp>
#include <ligase/tasks/measure_bases.hpp>
#include <ligase/tasks/measure_spans.hpp>
#include <ligase/tasks/measure_tokens.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

using namespace ligase;

namespace {

using Offsets = std::shared_ptr<const std::vector<Index>>;

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

/// The same with upper-case bases alone: a window of 100 bp.
std::vector<LetterWindow> one_window() {
  std::string letters(100, 'A');
  for (std::size_t i = 0; i < 100; ++i) letters[i] = "ACGT"[splitmix64(i) & 3];
  return {LetterWindow(letters, 0)};
}

/// Equal logits for a vocabulary.
auto no_opinion(Index vocabulary) {
  return [vocabulary](const Tensor<TokenId>& ids, const Offsets&) { return Tensor<float>::zeros({1, ids.count(), vocabulary}); };
}

/// Logits that depend on ids and the place in the sequence only.
Tensor<float> some_opinion(const Tensor<TokenId>& ids, const Offsets& offsets) {
  auto y = Tensor<float>::zeros({1, ids.count(), 16});
  for (std::size_t s = 0; s + 1 < offsets->size(); ++s)
    for (Index r = (*offsets)[s]; r < (*offsets)[s + 1]; ++r)
      for (Index v = 0; v < 16; ++v)
        y.data()[r * 16 + v] = std::sin(static_cast<float>(ids.data()[r] * 7 + v + r - (*offsets)[s]));
  return y;
}

/// Sure of what comes next.
auto knows_next(Index vocabulary) {
  return [vocabulary](const Tensor<TokenId>& ids, const Offsets&) {
    auto y = Tensor<float>::zeros({1, ids.count(), vocabulary});
    for (Index r = 0; r + 1 < ids.count(); ++r) y.data()[r * vocabulary + ids.data()[r + 1]] = 60;
    return y;
  };
}

void nothing(Index) {}

}  // namespace

TEST_CASE("equal logits are exactly 2 bits of four letters and 4 bits of sixteen tokens") {
  const auto windows = three_windows();
  const AnyTokenizer letters = CharTokenizer{};
  for (const auto& measure : {masked_bases(letters, {0, 1}), causal_bases(letters, {.25, .25, .25, .25})}) {
    const auto scores = score_windows(*measure, windows, 200, no_opinion(16), nothing);
    REQUIRE(scores.size() == 3);
    CHECK(scores[0].letters.mean() == 2.0);
    CHECK(scores[1].letters.mean() == 2.0);
    CHECK(scores[2].letters.targets == 0);
  }
  const auto masked = score_windows(*masked_bases(letters, {0, 1}), windows, 200, no_opinion(16), nothing);
  CHECK(masked[0].letters.targets == 30);
  CHECK(masked[0].vocabulary.targets == 30);
  CHECK(masked[0].tokens == 30);
  CHECK(masked[0].vocabulary.mean() == 4.0);
}

TEST_CASE("a masked model sees [MASK] where the hash says so, [PAD] for N, and the other letters") {
  const auto windows = three_windows();
  std::vector<std::vector<TokenId>> seen;
  std::vector<Index> progress;
  score_windows(
      *masked_bases(CharTokenizer{}, {3, 5}), windows, 301,
      [&](const Tensor<TokenId>& ids, const Offsets& offsets) {
        for (std::size_t r = 0; r + 1 < offsets->size(); ++r)
          seen.emplace_back(ids.data() + (*offsets)[r], ids.data() + (*offsets)[r + 1]);
        return Tensor<float>::zeros({1, ids.count(), 16});
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

TEST_CASE("a causal model is read one place before, and nothing is hidden from it") {
  const auto windows = three_windows();
  const auto scores =
      score_windows(*causal_bases(CharTokenizer{}, {.5, .25, .125, .125}), windows, 100, knows_next(16), nothing);
  const double start[] = {1, 2, 3, 3};
  CHECK(scores[0].letters.bits == doctest::Approx(start[windows[0].codes()[0]]));
  CHECK(scores[0].letters.targets == 100);
  CHECK(scores[1].letters.targets == 99);
  CHECK(scores[0].vocabulary.bits == doctest::Approx(scores[0].letters.bits));
}

TEST_CASE("batches do not change a bit") {
  const auto windows = three_windows();
  for (const auto& measure : {masked_bases(CharTokenizer{}, {0, 1, 2}), masked_spans(CharTokenizer{}, {0, 1, 2})}) {
    const auto one = score_windows(*measure, windows, 1, some_opinion, nothing),
               all = score_windows(*measure, windows, 900, some_opinion, nothing);
    for (std::size_t w = 0; w < 3; ++w) {
      CHECK(one[w].letters.bits == all[w].letters.bits);
      CHECK(one[w].vocabulary.bits == all[w].vocabulary.bits);
    }
    CHECK(one[0].letters.bits != 2.0 * static_cast<double>(one[0].letters.targets));
    CHECK(one[0].vocabulary.bits > one[0].letters.bits);
  }
}

TEST_CASE("the likelihood of all tokens: the first pays for its share, the others for what the model says of them") {
  const AnyTokenizer kmers = KmerTokenizer(6);
  const Index vocabulary = kmers.vocab_size();
  const auto windows = one_window();
  std::vector<double> shares(static_cast<std::size_t>(vocabulary), 0.25);
  const auto measure = causal_tokens(kmers, shares);
  // 16 six-mers and 4 single letters.
  const auto equal = score_windows(*measure, windows, 100, no_opinion(vocabulary), nothing);
  CHECK(equal[0].tokens == 20);
  CHECK(equal[0].letters.targets == 100);
  CHECK(equal[0].letters.bits == doctest::Approx(2 + 19 * std::log2(static_cast<double>(vocabulary))));
  const auto sure = score_windows(*measure, windows, 100, knows_next(vocabulary), nothing);
  CHECK(sure[0].letters.bits == doctest::Approx(2));
}

TEST_CASE("shares of tokens add up to one, and an unseen one has a share") {
  const std::vector<std::uint8_t> codes{0, 0, 0, 1, 4};
  const std::vector<BaseWindow> windows{{codes, 0}};
  const auto shares = token_shares(CharTokenizer{}, windows);
  double sum = 0;
  for (double share : shares) sum += share;
  CHECK(sum == doctest::Approx(1));
  CHECK(shares[CharTokenizer::a] == doctest::Approx(4.0 / 17));
  CHECK(shares[CharTokenizer::t] == doctest::Approx(1.0 / 17));
}

TEST_CASE("hidden spans: every tokenizer loses all tokens that overlap one, and pays per base") {
  const auto windows = one_window();
  const auto hidden = hash_mask_spans(0, 100, 7);
  const auto is_hidden = [&](Index i) { return std::binary_search(hidden.begin(), hidden.end(), i); };
  const auto check = [&](const AnyTokenizer& tokenizer, double bits_per_base, Index targets) {
    const Encoding e = tokenizer.encode_spans(windows[0].letters());
    const TokenId mask = *tokenizer.mask();
    std::vector<TokenId> seen;
    const auto scores = score_windows(
        *masked_spans(tokenizer, {7}), windows, 100,
        [&](const Tensor<TokenId>& ids, const Offsets&) {
          seen.assign(ids.data(), ids.data() + ids.count());
          return Tensor<float>::zeros({1, ids.count(), tokenizer.vocab_size()});
        },
        nothing);
    REQUIRE(seen.size() == e.ids.size());
    for (std::size_t t = 0; t < seen.size(); ++t) {
      bool overlaps = false;
      for (Index i = e.spans[t].begin; i < e.spans[t].end; ++i) overlaps = overlaps || is_hidden(i);
      CHECK(seen[t] == (overlaps ? mask : e.ids[t]));
    }
    CHECK(scores[0].letters.mean() == doctest::Approx(bits_per_base));
    CHECK(scores[0].letters.targets == targets);
  };
  const auto count = static_cast<Index>(hidden.size());
  check(CharTokenizer{}, 2, count);
  // Spans of six bases are six-mers here; the last window bases are single letters.
  Index whole = 0;
  for (Index i : hidden) whole += i < 96;
  REQUIRE(whole == count);
  check(KmerTokenizer(6), std::log2(4105.0) / 6, count);
  // Of a six-mer at i - 2 .. i + 3 base i is the third; p of equal logits is a quarter. Bases 0, 1 and 97 .. 99 stand in no middle.
  Index middle = 0;
  for (Index i : hidden) middle += i >= 2 && i <= 96;
  check(OverlappingKmerTokenizer(6), 2, middle);
}
