#pragma once

#include <ligase/seq/tokenizer/bpe_model.hpp>

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// A token that is found in raw text before anything else happens to it. `normalized` ones are looked for in what the
/// others leave.
struct BpeAddedToken {
  TokenId id = 0;
  std::string text;
  bool special = true;
  bool normalized = false;
  friend bool operator==(const BpeAddedToken&, const BpeAddedToken&) = default;
};

/// A place of a template: a sequence ("A", "B") or a special token.
struct BpeTemplatePiece {
  std::string name;
  bool is_sequence = false;
  int type_id = 0;
  friend bool operator==(const BpeTemplatePiece&, const BpeTemplatePiece&) = default;
};

/// Everything that a tokenizer.json says, as far as it is supported.
struct BpeDefinition {
  enum class Words {
    whole,       ///< pre_tokenizer null: the text is one word
    whitespace,  ///< Whitespace: `\w+|[^\w\s]+`, white space is dropped
    byte_level   ///< ByteLevel: GPT-2's words, letters are bytes
  };

  Words words = Words::whitespace;
  std::vector<BpeAddedToken> added;
  std::vector<BpeToken> vocabulary;  ///< texts of tokens: UTF-8; of a byte-level tokenizer as its file writes them
  std::vector<BpeMerge> merges;
  std::optional<std::string> unknown = {};               ///< text of the unknown token
  bool fuse_unknown = false;                             ///< unknown letters in a row are one token
  bool ignore_merges = false;                            ///< a word that is a token is not merged but taken
  std::vector<BpeTemplatePiece> single = {}, pair = {};  ///< TemplateProcessing; empty: no post-processor
  /// Texts of JSON, kept to be written again: what encode() does not do by itself.
  std::string truncation = "null", padding = "null", post_processor = "null", decoder = "null";
  PadSide pad_side = PadSide::right;  ///< as `padding` says
  std::optional<TokenId> pad = {};    ///< as `padding` says
  bool newer_format = false;          ///< merges are pairs, byte_fallback and ignore_merges are written
};

namespace detail {

/// Added tokens that are not in the vocabulary become tokens beside it.
inline void add_beside(std::vector<BpeToken>& tokens, const std::vector<BpeAddedToken>& added,
                       const std::string& where) {
  const auto refuse = [&](const char* what, const BpeAddedToken& token) {
    throw Error{{.kind = ErrorKind::input,
                 .what = what,
                 .where = where,
                 .found = "\"" + token.text + "\" with id " + std::to_string(token.id)}};
  };
  std::unordered_map<std::string, TokenId> ids, seen;
  for (const BpeToken& token : tokens) ids.emplace(token.text, token.id);
  for (const BpeAddedToken& token : added) {
    if (token.text.empty()) refuse("an added token is empty", token);
    if (!seen.emplace(token.text, token.id).second) refuse("an added token stands twice", token);
    const auto [place, is_new] = ids.emplace(token.text, token.id);
    if (!is_new && place->second != token.id) refuse("an added token has another id in the vocabulary", token);
    if (is_new) tokens.push_back({token.id, token.text, false});
  }
}

}  // namespace detail

}  // namespace ligase::inline LIGASE_ISA
