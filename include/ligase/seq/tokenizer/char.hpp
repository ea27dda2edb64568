#pragma once

#include <ligase/core/error.hpp>
#include <ligase/seq/alphabet.hpp>
#include <ligase/seq/tokenizer/tokenizer.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// One token per character: A C G T N and seven special tokens. Reproduces the two character tokenizers of
/// kuleshov-group/caduceus (ids, case, special tokens, padding, truncation), which differ in run-time rules:
///   the default        as caduceus_rules()
///   caduceus_rules()   CaduceusTokenizer (pretraining, hub): upper-cases; sequence + [SEP]; eos is [SEP]
///   finetune_rules()   CharacterTokenizer (fine-tuning): lower case becomes [UNK]; [CLS] + sequence + [SEP]; eos is [PAD]
/// Other letters are [UNK], one per character (a UTF-8 character counts as one). The names of special tokens inside the
/// text, spelt exactly, are single tokens.
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

  /// What the originals take at the call.
  struct Options {
    std::optional<Index> max_length = {};  ///< tokens, special ones included: keeps the first of the text
    bool pad_left = false;                 ///< [PAD] in front up to max_length
    bool add_special_tokens = false;
  };

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
  constexpr TokenId eos_id() const { return rules_.eos; }
  constexpr const Rules& rules() const { return rules_; }

  /// Id of a single ASCII character under the rules; [UNK] for all that is not in the vocabulary.
  constexpr TokenId id_of(char letter) const {
    return letter_ids[static_cast<unsigned char>(rules_.upper_case ? to_upper(letter) : letter)];
  }

  /// O(n). See Tokenizer.
  std::vector<TokenId> encode(std::string_view text) const { return encode(text, {}); }

  /// Throws kind `usage` when max_length leaves no room for the special tokens, or padding has no length.
  std::vector<TokenId> encode(std::string_view text, const Options& options) const {
    const bool front = options.add_special_tokens && rules_.leading_cls;
    const bool back = options.add_special_tokens && rules_.trailing_sep;
    const Index special = Index{front} + Index{back};
    if (options.max_length && *options.max_length < special)
      throw Error{{.kind = ErrorKind::usage,
                   .what = "max_length is too small",
                   .where = "char tokenizer",
                   .expected = "at least " + std::to_string(special),
                   .found = std::to_string(*options.max_length)}};
    if (options.pad_left && !options.max_length)
      throw Error{{.kind = ErrorKind::usage, .what = "padding needs max_length", .where = "char tokenizer"}};

    const auto limit = options.max_length ? static_cast<std::size_t>(*options.max_length - special) : text.size();
    std::vector<TokenId> ids;
    ids.reserve(options.pad_left ? static_cast<std::size_t>(*options.max_length)
                                 : std::min(limit, text.size()) + static_cast<std::size_t>(special));
    if (front) ids.push_back(cls);
    append_letters(text, limit, ids);
    if (back) ids.push_back(sep);
    if (options.pad_left) ids.insert(ids.begin(), static_cast<std::size_t>(*options.max_length) - ids.size(), pad);
    return ids;
  }

  std::string decode(std::span<const TokenId> ids) const {
    std::string text;
    text.reserve(ids.size());
    for (const TokenId id : ids) {
      check_id(id);
      text += vocabulary[static_cast<std::size_t>(id)];
    }
    return text;
  }

  constexpr TokenId complement(TokenId id) const {
    check_id(id);
    return id >= a && id <= t ? a + t - id : id;
  }

  std::vector<TokenId> complement_map(Index size = vocab_size()) const {
    if (size < vocab_size())
      throw Error{{.kind = ErrorKind::usage,
                   .what = "the padded vocabulary is too small",
                   .where = "char tokenizer",
                   .expected = "at least " + std::to_string(vocab_size()),
                   .found = std::to_string(size)}};
    std::vector<TokenId> map(static_cast<std::size_t>(size));
    for (TokenId id = 0; id < size; ++id) map[static_cast<std::size_t>(id)] = id < vocab_size() ? complement(id) : id;
    return map;
  }

  /// Names of the tokens, by id.
  static constexpr std::array<std::string_view, 12> vocabulary{
      "[CLS]", "[SEP]", "[BOS]", "[MASK]", "[PAD]", "[RESERVED]", "[UNK]", "A", "C", "G", "T", "N"};

 private:
  static constexpr std::array<std::uint8_t, 256> letter_ids = [] {
    std::array<std::uint8_t, 256> table{};
    table.fill(unk);
    for (TokenId id = a; id <= n; ++id)
      table[static_cast<unsigned char>(vocabulary[static_cast<std::size_t>(id)][0])] = static_cast<std::uint8_t>(id);
    return table;
  }();

  static constexpr void check_id(TokenId id) {
    if (id < 0 || id >= vocab_size())
      throw Error{{.kind = ErrorKind::input,
                   .what = "no such token",
                   .where = "char tokenizer",
                   .expected = "an id from 0 to " + std::to_string(vocab_size() - 1),
                   .found = std::to_string(id)}};
  }

  /// Bytes of the UTF-8 character that begins the text; 1 where the bytes are none.
  static std::size_t character_bytes(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const std::size_t length = byte(0) < 0xC2 ? 1 : byte(0) < 0xE0 ? 2 : byte(0) < 0xF0 ? 3 : byte(0) < 0xF5 ? 4 : 1;
    if (length > text.size()) return 1;
    for (std::size_t i = 1; i < length; ++i)
      if ((byte(i) & 0xC0) != 0x80) return 1;
    return length;
  }

  void append_letters(std::string_view text, std::size_t limit, std::vector<TokenId>& ids) const {
    const std::size_t begin = ids.size();
    ids.resize(begin + std::min(limit, text.size()));
    TokenId* out = ids.data() + begin;
    TokenId* const end = ids.data() + ids.size();
    for (std::size_t i = 0; i < text.size() && out != end; ++out) {
      const auto letter = static_cast<unsigned char>(text[i]);
      *out = id_of(text[i]);
      if (letter == '[')
        i += special_bytes(text.substr(i), *out);
      else
        i += letter < 0x80 ? 1 : character_bytes(text.substr(i));
    }
    ids.resize(static_cast<std::size_t>(out - ids.data()));
  }

  /// Bytes of the special token's name that begins the text, its id in `id`; 1 where there is none.
  static std::size_t special_bytes(std::string_view text, TokenId& id) {
    for (TokenId special = cls; special <= unk; ++special)
      if (const auto name = vocabulary[static_cast<std::size_t>(special)]; text.starts_with(name)) {
        id = special;
        return name.size();
      }
    return 1;
  }

  Rules rules_;
};

static_assert(TokenwiseComplement<CharTokenizer> && HasMask<CharTokenizer> && HasPad<CharTokenizer> &&
              HasUnknown<CharTokenizer>);

}  // namespace ligase::inline LIGASE_ISA
