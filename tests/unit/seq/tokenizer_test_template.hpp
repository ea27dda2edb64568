#pragma once

#include <doctest/doctest.h>

#include <ligase/core/error.hpp>
#include <ligase/core/random.hpp>
#include <ligase/seq/alphabet.hpp>
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
    CHECK(t.decode(std::vector<TokenId>{}).empty());

    for (const std::string_view alphabet : {"ACGT", "ACGTN", "ACGTNacgtnRYKM-*"})
      for (const std::string& text : random_texts(alphabet)) {
        const std::vector<TokenId> ids = t.encode(text);
        CHECK(std::all_of(ids.begin(), ids.end(), [&](TokenId id) { return id >= 0 && id < t.vocab_size(); }));
        CHECK(t.encode(text) == ids);
        CHECK(t.encode(t.decode(ids)) == ids);
        if (TokenizerUnderTest<T>::keeps_text && alphabet == "ACGTN") CHECK(t.decode(ids) == text);
      }
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
