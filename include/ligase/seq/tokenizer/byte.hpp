#pragma once

#include <ligase/seq/alphabet.hpp>
#include <ligase/seq/tokenizer/token_checks.hpp>
#include <ligase/seq/tokenizer/tokenizer.hpp>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// One token per byte, its value: A 65, C 67, G 71, T 84, N 78; lower case has ids of its own. Reproduces
/// CharLevelTokenizer of togethercomputer/stripedhyena (Evo 1 and 2): 512 ids, eos 0, pad 1, nothing put around a
/// sequence. 0 and 1 have no names: in a text they are the bytes 0 and 1. Pads on the right.
class ByteTokenizer {
 public:
  static constexpr Index vocab_size() { return 512; }
  static constexpr const char* name() { return "bytes"; }
  static constexpr TokenId eos_id() { return 0; }
  static constexpr TokenId pad_id() { return 1; }
  static constexpr PadSide pad_side() { return PadSide::right; }
  std::vector<TokenId> prefix() const { return {}; }
  std::vector<TokenId> suffix() const { return {}; }

  /// O(n). See Tokenizer.
  std::vector<TokenId> encode(std::string_view text) const {
    std::vector<TokenId> ids(text.size());
    std::transform(text.begin(), text.end(), ids.begin(),
                   [](char c) { return TokenId{static_cast<unsigned char>(c)}; });
    return ids;
  }
  Encoding encode_spans(std::string_view text) const {
    Encoding e{encode(text), std::vector<Span>(text.size())};
    for (Index i = 0; i < static_cast<Index>(text.size()); ++i) e.spans[static_cast<std::size_t>(i)] = {i, i + 1};
    return e;
  }

  /// The bytes; ids from 256, which no text has, as the characters of those code points.
  std::string decode(std::span<const TokenId> ids) const {
    std::string text;
    text.reserve(ids.size());
    for (const TokenId id : ids) {
      detail::checked_id(*this, id);
      if (id < 256)
        text += static_cast<char>(id);
      else
        append_character(id, text);
    }
    return text;
  }

  /// The original's detokenize: every id clamped to 32 .. 512, as the character of that code point.
  std::string detokenize(std::span<const TokenId> ids) const {
    std::string text;
    for (const TokenId id : ids) append_character(std::clamp(id, 32, 512), text);
    return text;
  }

  /// A <-> T, C <-> G in either case.
  constexpr TokenId complement(TokenId id) const {
    detail::checked_id(*this, id);
    return id < 256 ? TokenId{static_cast<unsigned char>(ligase::complement(static_cast<char>(id)))} : id;
  }
  std::vector<TokenId> complement_map(Index size = vocab_size()) const { return detail::complement_table(*this, size); }

 private:
  /// UTF-8; code points below 0x800.
  static void append_character(TokenId code, std::string& text) {
    if (code < 0x80) {
      text += static_cast<char>(code);
    } else {
      text += static_cast<char>(0xC0 | code >> 6);
      text += static_cast<char>(0x80 | (code & 0x3F));
    }
  }
};

static_assert(TokenwiseComplement<ByteTokenizer> && HasPad<ByteTokenizer> && !HasMask<ByteTokenizer>);

}  // namespace ligase::inline LIGASE_ISA
