#pragma once

#include <doctest/doctest.h>

#include <ligase/core/error.hpp>
#include <ligase/core/random.hpp>
#include <ligase/seq/alphabet.hpp>
#include <ligase/seq/tokenizer/base_map.hpp>
#include <ligase/seq/tokenizer/tokenizer.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

/// What every tokenizer must do. A tokenizer's own test specialises `TokenizerUnderTest` and says
///   TEST_CASE_TEMPLATE_INVOKE(tokenizer_concept, ligase::CharTokenizer);
namespace ligase_test {

/// make(): the tokenizers to check, one per variant.
/// keeps_text: decode(encode(s)) == s for upper-case s over ACGTN.
/// overlap(t), where tokens overlap: letters that neighbours share; every token then has one letter more.
template <class T>
struct TokenizerUnderTest;

inline std::string random_letters(std::string_view alphabet, std::size_t length, std::uint64_t place) {
  const ligase::RandomStream random{7, 0, place};
  std::string text(length, '\0');
  for (std::size_t i = 0; i < length; ++i) text[i] = alphabet[random.below(i, alphabet.size())];
  return text;
}

/// Texts over an alphabet: all lengths to 40, then some longer ones.
inline std::vector<std::string> random_texts(std::string_view alphabet) {
  std::vector<std::string> texts;
  for (std::size_t length = 0; length <= 40; ++length) texts.push_back(random_letters(alphabet, length, length));
  for (const std::size_t length : {63U, 64U, 65U, 511U, 1000U, 4097U})
    texts.push_back(random_letters(alphabet, length, length));
  return texts;
}

inline std::string all_bytes() {
  std::string text;
  for (int i = 0; i < 256; ++i) text += static_cast<char>(i);
  return text;
}

template <class T>
ligase::Index overlap_of(const T& tokenizer) {
  if constexpr (requires { TokenizerUnderTest<T>::overlap(tokenizer); })
    return TokenizerUnderTest<T>::overlap(tokenizer);
  else
    return 0;
}

/// Spans cover a text without white space from end to end, in order.
template <class T>
void check_spans(const T& t, const std::string& text) {
  using namespace ligase;
  const Encoding e = t.encode_spans(text);
  CHECK(e.ids == t.encode(text));
  REQUIRE(e.spans.size() == e.ids.size());
  const auto n = static_cast<Index>(text.size());
  const Index overlap = overlap_of(t);
  if (n <= overlap) {
    CHECK(e.ids.empty());
    return;
  }
  REQUIRE_FALSE(e.ids.empty());
  CHECK(e.spans.front().begin == 0);
  CHECK(e.spans.back().end == n);
  bool in_order = true;
  for (std::size_t i = 0; i < e.spans.size(); ++i) {
    in_order = in_order && e.spans[i].end > e.spans[i].begin;
    if (overlap > 0) in_order = in_order && e.spans[i].end == e.spans[i].begin + overlap + 1;
    if (i > 0) in_order = in_order && e.spans[i].begin == e.spans[i - 1].end - overlap;
  }
  CHECK(in_order);
}

/// Truncation, special tokens and padding to every length, and the base map of each against a search through all spans.
template <class T>
void check_options(const T& t, const std::string& text) {
  using namespace ligase;
  const std::vector<TokenId> content = t.encode(text), front = t.prefix(), back = t.suffix();
  const std::size_t special = front.size() + back.size();
  for (std::size_t length = special; length < content.size() + special + 3; ++length) {
    EncodeOptions options{.max_length = static_cast<Index>(length), .add_special_tokens = true};
    const Encoding e = encode_with(t, text, options);
    std::vector<TokenId> expected = front;
    const std::size_t kept = std::min(content.size(), length - special);
    expected.insert(expected.end(), content.begin(), content.begin() + static_cast<std::ptrdiff_t>(kept));
    expected.insert(expected.end(), back.begin(), back.end());
    CHECK(e.ids == expected);
    REQUIRE(e.spans.size() == e.ids.size());

    Encoding padded = e;
    if constexpr (HasPad<T>) {
      options.pad = true;
      padded = encode_with(t, text, options);
      REQUIRE(padded.ids.size() == length);
      REQUIRE(padded.spans.size() == length);
      const auto left = static_cast<std::ptrdiff_t>(t.pad_side() == PadSide::left ? length - expected.size() : 0);
      CHECK(std::equal(expected.begin(), expected.end(), padded.ids.begin() + left));
      CHECK(std::equal(e.spans.begin(), e.spans.end(), padded.spans.begin() + left));
      for (std::size_t i = 0; i < length; ++i) {
        const bool own = static_cast<std::ptrdiff_t>(i) >= left && i < static_cast<std::size_t>(left) + expected.size();
        if (!own) CHECK((padded.ids[i] == t.pad_id() && padded.spans[i].begin == padded.spans[i].end));
      }
    }

    constexpr Index offset = 1000;
    const BaseMap map(padded, offset);
    REQUIRE(map.tokens() == static_cast<Index>(padded.ids.size()));
    for (Index base = offset - 2; base < offset + static_cast<Index>(text.size()) + 2; ++base) {
      TokenRange found;
      for (Index token = 0; token < map.tokens(); ++token) {
        const Span s = padded.spans[static_cast<std::size_t>(token)];
        CHECK(map.bases_of(token) == Span{s.begin + offset, s.end + offset});
        if (s.begin + offset > base || s.end + offset <= base) continue;
        if (found.empty()) found.begin = token;
        found.end = token + 1;
      }
      CHECK(map.tokens_of(base) == found);
    }
  }
  if (special > 0)
    CHECK_THROWS_AS(encode_with(t, text, {.max_length = static_cast<Index>(special) - 1, .add_special_tokens = true}),
                    Error);
  CHECK_THROWS_AS(encode_with(t, text, {.max_length = -1}), Error);
  CHECK_THROWS_AS(encode_with(t, text, {.pad = true}), Error);
}

}  // namespace ligase_test

TEST_CASE_TEMPLATE_DEFINE("a tokenizer keeps its promises", T, tokenizer_concept) {
  using namespace ligase;
  using namespace ligase_test;
  static_assert(Tokenizer<T>);
  for (const T& t : TokenizerUnderTest<T>::make()) {
    CAPTURE(std::string(t.name()));
    CHECK_FALSE(std::string(t.name()).empty());
    REQUIRE(t.vocab_size() > 0);
    CHECK(t.encode("").empty());
    CHECK(t.encode_spans("").spans.empty());
    for (const std::vector<TokenId>& specials : {t.prefix(), t.suffix()})
      for (const TokenId id : specials) CHECK((id >= 0 && id < t.vocab_size()));
    CHECK(t.decode(std::vector<TokenId>{}).empty());

    for (const std::string_view alphabet : {"ACGT", "ACGTN", "ACGTNacgtnRYKM-*"})
      for (const std::string& text : random_texts(alphabet)) {
        const std::vector<TokenId> ids = t.encode(text);
        CHECK(std::all_of(ids.begin(), ids.end(), [&](TokenId id) { return id >= 0 && id < t.vocab_size(); }));
        CHECK(t.encode(text) == ids);
        CHECK(t.encode(t.decode(ids)) == ids);
        if (TokenizerUnderTest<T>::keeps_text && alphabet == "ACGTN") CHECK(t.decode(ids) == text);
        check_spans(t, text);
        if (alphabet == "ACGT" && static_cast<Index>(text.size()) > overlap_of(t))
          CHECK(restore(t, t.encode_spans(text), static_cast<Index>(text.size())) == text);
      }
    for (const char* text : {"", "A", "AC", "ACGTA", "ACGTACGTTGCAACC", "NNNNNNNNN", "ACGNTTTTTTTTTTTRYacgt"}) {
      CAPTURE(text);
      check_spans(t, text);
      check_options(t, text);
    }
    check_spans(t, std::string(2'000'000, 'A'));
    check_spans(t, random_letters("ACGT", 2'000'000, 1));
    for (const TokenId id : t.encode(all_bytes())) CHECK((id >= 0 && id < t.vocab_size()));

    CHECK_THROWS_AS(t.decode(std::vector<TokenId>{-1}), Error);
    CHECK_THROWS_AS(t.decode(std::vector<TokenId>{static_cast<TokenId>(t.vocab_size())}), Error);

    if constexpr (HasPad<T>) CHECK((t.pad_id() >= 0 && t.pad_id() < t.vocab_size()));
    if constexpr (HasMask<T>) CHECK((t.mask_id() >= 0 && t.mask_id() < t.vocab_size()));
    if constexpr (HasUnknown<T>) CHECK((t.unk_id() >= 0 && t.unk_id() < t.vocab_size()));

    if constexpr (TokenwiseComplement<T>) {
      const std::vector<TokenId> map = t.complement_map(t.vocab_size() + 5);
      REQUIRE(static_cast<std::int64_t>(map.size()) == t.vocab_size() + 5);
      for (std::size_t i = 0; i < map.size(); ++i) {
        const auto id = static_cast<TokenId>(i);
        CHECK(map[static_cast<std::size_t>(map[i])] == id);
        CHECK(map[i] == (id < t.vocab_size() ? t.complement(id) : id));
      }
      CHECK_THROWS_AS(t.complement_map(t.vocab_size() - 1), Error);
      CHECK_THROWS_AS(t.complement(static_cast<TokenId>(t.vocab_size())), Error);
      CHECK_THROWS_AS(t.complement(-1), Error);
      if constexpr (HasPad<T>) CHECK(t.complement(t.pad_id()) == t.pad_id());
      if constexpr (HasMask<T>) CHECK(t.complement(t.mask_id()) == t.mask_id());

      for (const std::string_view alphabet : {"ACGT", "ACGTN", "ACGTNacgtnRYKM-*"})
        for (const std::string& text : random_texts(alphabet)) {
          const std::vector<TokenId> ids = t.encode(text);
          const std::vector<TokenId> other = t.encode(ligase::reverse_complement(text));
          CHECK(ligase::reverse_complement(t, ids) == other);
          CHECK(ligase::reverse_complement(t, other) == ids);
        }
    }
  }
}
