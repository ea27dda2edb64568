#pragma once

#include <ligase/seq/tokenizer/bpe_definition.hpp>
#include <ligase/seq/tokenizer/bpe_table.hpp>
#include <ligase/seq/tokenizer/bpe_unicode.hpp>

#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

namespace ligase::inline LIGASE_ISA::detail {

/// Finds added tokens in raw text: leftmost first, the longest of those that begin there.
class AddedTokens {
 public:
  void add(std::string_view text, TokenId id) {
    std::int32_t node = 0;
    for (const char c : text) node = names_.add(node, static_cast<unsigned char>(c));
    ids_.resize(static_cast<std::size_t>(names_.size()), -1);
    ids_[static_cast<std::size_t>(node)] = id;
    begins_[static_cast<unsigned char>(text.front())] = true;
  }

  /// Calls token(id, begin, end) and between(begin, end) for what is around them, in order; `between` also for nothing.
  /// Linear time, but for texts that keep beginning long names.
  template <class Token, class Between>
  void split(std::string_view text, std::size_t begin, std::size_t end, Token&& token, Between&& between) const {
    std::size_t done = begin;
    for (std::size_t i = begin; i < end;) {
      TokenId id = -1;
      const std::size_t bytes = begins_[static_cast<unsigned char>(text[i])] ? longest(text.substr(i, end - i), id) : 0;
      if (bytes == 0) {
        ++i;
        continue;
      }
      between(done, i);
      token(id, i, i + bytes);
      done = i += bytes;
    }
    between(done, end);
  }

 private:
  std::size_t longest(std::string_view text, TokenId& id) const {
    std::size_t bytes = 0;
    std::int32_t node = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      node = names_.child(node, static_cast<unsigned char>(text[i]));
      if (node < 0) break;
      if (ids_[static_cast<std::size_t>(node)] < 0) continue;
      id = ids_[static_cast<std::size_t>(node)];
      bytes = i + 1;
    }
    return bytes;
  }

  Trie names_;
  std::vector<TokenId> ids_{-1};  ///< by node
  std::array<bool, 256> begins_{};
};

/// Both kinds of added tokens of a definition.
class AddedTokenPair {
 public:
  explicit AddedTokenPair(const std::vector<BpeAddedToken>& added) {
    for (const BpeAddedToken& token : added) (token.normalized ? second_ : first_).add(token.text, token.id);
  }
  template <class Token, class Between>
  void split(std::string_view text, Token&& token, Between&& between) const {
    first_.split(text, 0, text.size(), token,
                 [&](std::size_t begin, std::size_t end) { second_.split(text, begin, end, token, between); });
  }

 private:
  AddedTokens first_, second_;
};

/// Calls word(begin, end) for the words of text[begin, end) by `\w+|[^\w\s]+`, as bpe_unicode.hpp knows the classes. A
/// byte that is no UTF-8 is no word character.
template <class Word>
void split_whitespace(std::string_view text, std::size_t begin, std::size_t end, Word&& word) {
  enum Kind { space, letters, marks };
  const auto kind_at = [&](std::size_t i, std::size_t& bytes) {
    const Character c = first_character(text.substr(i, end - i));
    bytes = c.bytes;
    const CharClass type = class_of(c);
    return type == CharClass::space ? space : is_word(type) ? letters : marks;
  };
  for (std::size_t i = begin, bytes = 0; i < end;) {
    const Kind kind = kind_at(i, bytes);
    const std::size_t start = i;
    do i += bytes;
    while (i < end && kind_at(i, bytes) == kind);
    if (kind != space) word(start, i);
  }
}

}  // namespace ligase::inline LIGASE_ISA::detail
