#pragma once

#include <ligase/seq/alphabet.hpp>
#include <ligase/seq/tokenizer/token_checks.hpp>
#include <ligase/seq/tokenizer/tokenizer.hpp>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// One token per character: A C G T N and seven special tokens. Reproduces the character tokenizers of
/// kuleshov-group/caduceus and HazyResearch/hyena-dna (ids, case, special tokens, padding, truncation), which differ in
/// run-time rules:
///   the default         as caduceus_rules()
///   caduceus_rules()    CaduceusTokenizer (pretraining, hub): upper-cases; sequence + [SEP]; eos is [SEP]
///   finetune_rules()    CharacterTokenizer of caduceus (fine-tuning): lower case becomes [UNK]; [CLS] + sequence + [SEP];
///                       eos is [PAD]
///   hyenadna_rules()    hg38_char_tokenizer.py: lower case becomes [UNK]; sequence + [SEP]; eos is [SEP]
///   standalone_rules()  standalone_hyenadna.py: the same with [CLS] in front
/// Other letters are [UNK], one per character (a UTF-8 character counts as one). The names of special tokens inside the
/// text, spelt exactly, are single tokens. All pad on the left.
class CharTokenizer {
 public:
  enum Id : TokenId { cls = 0, sep, bos, mask, pad, reserved, unk, a, c, g, t, n };

  struct Rules {
    bool upper_case = true;
    bool leading_cls = false;  ///< [CLS] in front, where special tokens are added
    bool trailing_sep = true;  ///< [SEP] at the end, where special tokens are added
    TokenId eos = sep;
  };
  static constexpr Rules caduceus_rules() { return {}; }
  static constexpr Rules finetune_rules() { return {.upper_case = false, .leading_cls = true, .eos = pad}; }
  static constexpr Rules hyenadna_rules() { return {.upper_case = false}; }
  static constexpr Rules standalone_rules() { return {.upper_case = false, .leading_cls = true}; }

  constexpr CharTokenizer() = default;
  constexpr explicit CharTokenizer(Rules rules) : rules_(rules) {}

  static constexpr Index vocab_size() { return vocabulary.size(); }
  static constexpr const char* name() { return "char"; }
  static constexpr TokenId cls_id() { return cls; }
  static constexpr TokenId sep_id() { return sep; }
  static constexpr TokenId bos_id() { return bos; }
  static constexpr TokenId mask_id() { return mask; }
  static constexpr TokenId pad_id() { return pad; }
  static constexpr TokenId unk_id() { return unk; }
  static constexpr PadSide pad_side() { return PadSide::left; }
  constexpr TokenId eos_id() const { return rules_.eos; }
  constexpr const Rules& rules() const { return rules_; }
  std::vector<TokenId> prefix() const { return std::vector<TokenId>(rules_.leading_cls ? 1 : 0, cls); }
  std::vector<TokenId> suffix() const { return std::vector<TokenId>(rules_.trailing_sep ? 1 : 0, sep); }

  /// Id of a single ASCII character under the rules; [UNK] for all that is not in the vocabulary.
  constexpr TokenId id_of(char letter) const {
    return letter_ids[static_cast<unsigned char>(rules_.upper_case ? to_upper(letter) : letter)];
  }

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
    for (const TokenId id : ids) text += vocabulary[detail::checked_id(*this, id)];
    return text;
  }

  constexpr TokenId complement(TokenId id) const {
    detail::checked_id(*this, id);
    return id >= a && id <= t ? a + t - id : id;
  }
  std::vector<TokenId> complement_map(Index size = vocab_size()) const { return detail::complement_table(*this, size); }

  /// Names of the tokens, by id.
  static constexpr std::array<std::string_view, 12> vocabulary{
      "[CLS]", "[SEP]", "[BOS]", "[MASK]", "[PAD]", "[RESERVED]", "[UNK]", "A", "C", "G", "T", "N"};

 private:
  static constexpr std::span<const std::string_view> special_names{vocabulary.data(), unk + 1};
  static constexpr std::array<std::uint8_t, 256> letter_ids = [] {
    std::array<std::uint8_t, 256> table{};
    table.fill(unk);
    for (TokenId id = a; id <= n; ++id)
      table[static_cast<unsigned char>(vocabulary[static_cast<std::size_t>(id)][0])] = static_cast<std::uint8_t>(id);
    return table;
  }();

  /// Bytes of the UTF-8 character that begins the text; 1 where the bytes are none.
  static std::size_t character_bytes(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const std::size_t length = byte(0) < 0xC2 ? 1 : byte(0) < 0xE0 ? 2 : byte(0) < 0xF0 ? 3 : byte(0) < 0xF5 ? 4 : 1;
    if (length > text.size()) return 1;
    for (std::size_t i = 1; i < length; ++i)
      if ((byte(i) & 0xC0) != 0x80) return 1;
    return length;
  }

  /// write(id, begin, end) for every token. O(n).
  template <class Write>
  void scan(std::string_view text, Write& write) const {
    for (std::size_t i = 0; i < text.size();) {
      const auto letter = static_cast<unsigned char>(text[i]);
      TokenId id = id_of(text[i]);
      std::size_t bytes = 1;
      if (letter == '[') {
        std::size_t special = 0;
        if (const auto name = detail::name_at(text.substr(i), special_names, special)) {
          id = static_cast<TokenId>(special);
          bytes = name;
        }
      } else if (letter >= 0x80) {
        bytes = character_bytes(text.substr(i));
      }
      write(id, i, i + bytes);
      i += bytes;
    }
  }

  Rules rules_;
};

static_assert(TokenwiseComplement<CharTokenizer> && HasMask<CharTokenizer> && HasPad<CharTokenizer> &&
              HasUnknown<CharTokenizer>);

}  // namespace ligase::inline LIGASE_ISA
