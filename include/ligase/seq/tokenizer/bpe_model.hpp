#pragma once

#include <ligase/core/error.hpp>
#include <ligase/seq/tokenizer/bpe_table.hpp>
#include <ligase/seq/tokenizer/bpe_unicode.hpp>
#include <ligase/seq/tokenizer/tokenizer.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// A token of a vocabulary. Tokens beside the model's vocabulary stand in raw text only: no merge has to do with them.
struct BpeToken {
  TokenId id = 0;
  std::string text;
  bool in_vocabulary = true;
  friend bool operator==(const BpeToken&, const BpeToken&) = default;
};

/// Two tokens that become one. Their place in the list is their rank.
using BpeMerge = std::pair<std::string, std::string>;

/// What merging starts from.
enum class BpeLetters {
  characters,  ///< code points of UTF-8; a byte that is none is one by itself
  bytes
};

namespace detail {

/// Vocabulary and merges, checked. Inside, a token is its slot: its place in the order of ids, which may have gaps.
class BpeModel {
 public:
  using Slot = std::int32_t;
  static constexpr Slot none = -1;

  /// Ranks of merges are their places in the list. `regular()` is found out here: whether every longer token comes from
  /// one merge, after the merges of its parts. Of a merge that stands twice (trainers may write that) the last place
  /// counts, as in huggingface/tokenizers. Throws kind `input`, naming `where`, for empty or equal tokens, equal or
  /// negative ids, and merges with parts or a product outside the vocabulary.
  /// O(characters of all tokens).
  BpeModel(std::vector<BpeToken> tokens, const std::vector<BpeMerge>& merges, BpeLetters letters, std::string where)
      : letters_(letters), where_(std::move(where)), tokens_(std::move(tokens)) {
    index_tokens();
    birth_.assign(tokens_.size(), none);
    merges_.reserve(merges.size());
    for (const BpeMerge& merge : merges) add_merge(merge);
  }
  BpeModel(const BpeModel&) = delete;
  BpeModel& operator=(const BpeModel&) = delete;

  struct Merge {
    Slot left, right, product;
  };

  BpeLetters letters() const { return letters_; }
  const std::string& where() const { return where_; }
  Slot size() const { return static_cast<Slot>(tokens_.size()); }
  /// The last id and one.
  Index vocab_size() const { return tokens_.empty() ? 0 : Index{tokens_.back().id} + 1; }
  const std::vector<BpeToken>& tokens() const { return tokens_; }
  const BpeToken& token(Slot slot) const { return tokens_[static_cast<std::size_t>(slot)]; }
  const std::vector<Merge>& merges() const { return merges_; }
  bool regular() const { return regular_; }

  Slot find(std::string_view text) const {
    const auto found = slots_.find(text);
    return found == slots_.end() ? none : found->second;
  }
  /// Slot of an id; none where no token has it.
  Slot find(TokenId id) const {
    const auto place = std::lower_bound(tokens_.begin(), tokens_.end(), id,
                                        [](const BpeToken& token, TokenId value) { return token.id < value; });
    return place == tokens_.end() || place->id != id ? none : static_cast<Slot>(place - tokens_.begin());
  }
  /// The token of an id. Throws kind `input`, naming the tokenizer, where there is none.
  const BpeToken& require(TokenId id, const std::string& tokenizer) const {
    const Slot slot = find(id);
    if (slot < 0)
      throw Error{{.kind = ErrorKind::input,
                   .what = "no such token",
                   .where = tokenizer + " tokenizer",
                   .expected = "an id of the vocabulary, up to " + std::to_string(vocab_size() - 1),
                   .found = std::to_string(id)}};
    return token(slot);
  }
  /// Texts of the tokens one after the other. Throws as `require`.
  std::string text(std::span<const TokenId> ids, const std::string& tokenizer) const {
    std::string text;
    for (const TokenId id : ids) text += require(id, tokenizer).text;
    return text;
  }
  /// Slot of the letter of that code (byte or code point); none where it is not in the vocabulary.
  Slot letter(std::int32_t code) const {
    if (code < 0) return none;
    return code < 256 ? low_letters_[static_cast<std::size_t>(code)] : high_letters_.find(0, code);
  }
  /// Rank of the merge of two tokens; none where they do not merge.
  Slot rank(Slot left, Slot right) const { return ranks_.find(left, right); }
  const Merge& merge(Slot rank) const { return merges_[static_cast<std::size_t>(rank)]; }
  /// Rank of the last merge that gives the token; none for letters and what no merge gives.
  Slot birth(Slot slot) const { return birth_[static_cast<std::size_t>(slot)]; }

  /// The letter that begins the text, which is not empty.
  Character next_letter(std::string_view text) const {
    return letters_ == BpeLetters::bytes ? Character{static_cast<unsigned char>(text[0]), 1} : first_character(text);
  }
  bool is_letter(Slot slot) const {
    const BpeToken& t = token(slot);
    const Character c = next_letter(t.text);
    return t.in_vocabulary && c.bytes == t.text.size() && c.code >= 0;
  }

  [[noreturn]] void refuse(std::string what, std::string expected = {}, std::string found = {}) const {
    throw Error{{.kind = ErrorKind::input,
                 .what = std::move(what),
                 .where = where_,
                 .expected = std::move(expected),
                 .found = std::move(found)}};
  }

 private:
  static std::string quoted(std::string_view text) { return "\"" + std::string(text.substr(0, 60)) + "\""; }

  void index_tokens() {
    std::sort(tokens_.begin(), tokens_.end(), [](const BpeToken& a, const BpeToken& b) { return a.id < b.id; });
    low_letters_.fill(none);
    slots_.reserve(tokens_.size());
    for (Slot slot = 0; slot < size(); ++slot) {
      const BpeToken& t = token(slot);
      if (t.id < 0 || t.id == std::numeric_limits<TokenId>::max())
        refuse("the id of token " + quoted(t.text) + " is out of range", "0 to 2147483646", std::to_string(t.id));
      if (t.text.empty()) refuse("a token is empty", "at least one letter", "id " + std::to_string(t.id));
      if (slot > 0 && token(slot - 1).id == t.id)
        refuse("two tokens have the same id", "",
               quoted(token(slot - 1).text) + " and " + quoted(t.text) + " with id " + std::to_string(t.id));
      if (!slots_.emplace(t.text, slot).second) refuse("the token " + quoted(t.text) + " stands twice");
      if (!is_letter(slot)) continue;
      const std::int32_t code = next_letter(t.text).code;
      if (code < 256)
        low_letters_[static_cast<std::size_t>(code)] = slot;
      else
        high_letters_.insert(0, code, slot);
    }
  }

  void add_merge(const BpeMerge& merge) {
    const auto rank = static_cast<Slot>(merges_.size());
    const auto part = [&](const std::string& text, const char* which) {
      const Slot slot = find(text);
      if (slot == none || !token(slot).in_vocabulary)
        refuse("merge " + std::to_string(rank) + ": its " + which + " is not in the vocabulary", "a token",
               quoted(text));
      return slot;
    };
    const Merge m{part(merge.first, "left part"), part(merge.second, "right part"),
                  part(merge.first + merge.second, "product")};
    if (!ranks_.insert(m.left, m.right, rank)) {
      ranks_.replace(m.left, m.right, rank);
      regular_ = false;
    }
    Slot& birth = birth_[static_cast<std::size_t>(m.product)];
    if (birth != none || is_letter(m.product)) regular_ = false;
    for (const Slot s : {m.left, m.right})
      if (!is_letter(s) && birth_[static_cast<std::size_t>(s)] == none) regular_ = false;
    birth = rank;
    merges_.push_back(m);
  }

  BpeLetters letters_;
  std::string where_;
  std::vector<BpeToken> tokens_;
  std::unordered_map<std::string_view, Slot> slots_;  ///< of texts inside tokens_
  std::array<Slot, 256> low_letters_;
  PairTable high_letters_;
  std::vector<Merge> merges_;
  PairTable ranks_;
  std::vector<Slot> birth_;
  bool regular_ = true;
};

}  // namespace detail

}  // namespace ligase::inline LIGASE_ISA
