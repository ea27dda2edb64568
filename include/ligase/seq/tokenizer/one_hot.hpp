#pragma once

#include <ligase/seq/alphabet.hpp>
#include <ligase/seq/tokenizer/token_checks.hpp>
#include <ligase/seq/tokenizer/tokenizer.hpp>

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// The input of Enformer and Borzoi: four channels A C G T a letter. Also a tokenizer, whose ids name the only rows that
/// such an input can have: A C G T 0 to 3 (either case), N 4 (all zero), '.' 5 (padding, a quarter in each channel);
/// every other byte is N. Follows the one-hot mode of lucidrains/enformer-pytorch data.py, except for the ids ('.' is -1
/// there, and the index mode there reads unknown letters as A) and for padding, which stays padding on the other strand.
class OneHot {
 public:
  static constexpr Index vocab_size() { return 6; }
  static constexpr Index channels() { return 4; }
  static constexpr const char* name() { return "one-hot"; }
  static constexpr TokenId unk_id() { return 4; }
  static constexpr TokenId pad_id() { return 5; }
  static constexpr PadSide pad_side() { return PadSide::right; }
  std::vector<TokenId> prefix() const { return {}; }
  std::vector<TokenId> suffix() const { return {}; }

  static constexpr TokenId id_of(char letter) { return letter == '.' ? pad_id() : TokenId{base_code(letter)}; }

  /// O(n). See Tokenizer.
  std::vector<TokenId> encode(std::string_view text) const {
    return detail::collect_ids(text.size(), [&](auto&& write) { scan(text, write); });
  }
  Encoding encode_spans(std::string_view text) const {
    return detail::collect_spans(text.size(), [&](auto&& write) { scan(text, write); });
  }
  std::string decode(std::span<const TokenId> ids) const {
    std::string text;
    text.reserve(ids.size());
    for (const TokenId id : ids) text += "ACGTN."[detail::checked_id(*this, id)];
    return text;
  }

  /// The four channels of an id.
  static constexpr std::array<float, 4> row(TokenId id) {
    std::array<float, 4> values{};
    const std::size_t place = detail::checked_id(OneHot{}, id);
    if (place < 4) values[place] = 1;
    if (id == pad_id()) values.fill(0.25F);
    return values;
  }
  /// [L, 4] of a text. The reverse complement's is this one read backwards, value by value.
  std::vector<float> rows(std::string_view text) const {
    std::vector<float> values;
    values.reserve(4 * text.size());
    for (const char letter : text) {
      const std::array<float, 4> one = row(id_of(letter));
      values.insert(values.end(), one.begin(), one.end());
    }
    return values;
  }

  constexpr TokenId complement(TokenId id) const {
    detail::checked_id(*this, id);
    return id < 4 ? 3 - id : id;
  }
  std::vector<TokenId> complement_map(Index size = vocab_size()) const { return detail::complement_table(*this, size); }

 private:
  template <class Write>
  static void scan(std::string_view text, Write& write) {
    for (std::size_t i = 0; i < text.size(); ++i) write(id_of(text[i]), i, i + 1);
  }
};

static_assert(TokenwiseComplement<OneHot> && HasPad<OneHot> && HasUnknown<OneHot> && !HasMask<OneHot>);

}  // namespace ligase::inline LIGASE_ISA
