#pragma once

#include <ligase/io/json.hpp>
#include <ligase/seq/tokenizer/bpe_definition.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

namespace detail {

/// J with fields in the order of insertion. `ids`: of the tokens that templates name.
template <class J>
J compose_template(const BpeDefinition& d, const std::map<std::string, TokenId>& ids) {
  J special = J::object();
  const auto pieces_of = [&](const std::vector<BpeTemplatePiece>& pieces) {
    J list = J::array();
    for (const BpeTemplatePiece& piece : pieces) {
      list.push_back(
          {{piece.is_sequence ? "Sequence" : "SpecialToken", {{"id", piece.name}, {"type_id", piece.type_id}}}});
      if (piece.is_sequence) continue;
      const auto id = ids.find(piece.name);
      if (id == ids.end())
        throw Error{
            {.kind = ErrorKind::usage, .what = "a template names a token that there is not", .found = piece.name}};
      special[piece.name] = {{"id", piece.name}, {"ids", J::array({id->second})}, {"tokens", J::array({piece.name})}};
    }
    return list;
  };
  J post = {{"type", "TemplateProcessing"}, {"single", pieces_of(d.single)}, {"pair", pieces_of(d.pair)}};
  post["special_tokens"] = std::move(special);
  return post;
}

}  // namespace detail

/// Text of a tokenizer.json that says the same as the definition; fields and their order as huggingface/tokenizers
/// writes them. Throws kind `usage` for templates that name unknown tokens, and for merges of tokens with spaces in the
/// older format ("A B").
template <class J = OrderedJson>
std::string compose_tokenizer_json(const BpeDefinition& d) {
  std::map<std::string, TokenId> template_ids;
  for (const auto* pieces : {&d.single, &d.pair})
    for (const BpeTemplatePiece& piece : *pieces) {
      for (const BpeToken& token : d.vocabulary)
        if (token.text == piece.name) template_ids[piece.name] = token.id;
      for (const BpeAddedToken& token : d.added)
        if (token.text == piece.name) template_ids[piece.name] = token.id;
    }
  const auto text = [](const std::string& json) { return parse_json<J>(json, "tokenizer"); };
  J file = {{"version", "1.0"}, {"truncation", text(d.truncation)}, {"padding", text(d.padding)}};
  J& added = file["added_tokens"] = J::array();
  for (const BpeAddedToken& token : d.added)
    added.push_back({{"id", token.id},
                     {"content", token.text},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", token.normalized},
                     {"special", token.special}});
  file["normalizer"] = nullptr;
  J& words = file["pre_tokenizer"] = nullptr;
  if (d.words == BpeDefinition::Words::whitespace) words = {{"type", "Whitespace"}};
  if (d.words == BpeDefinition::Words::byte_level)
    words = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
  file["post_processor"] = d.single.empty() ? text(d.post_processor) : detail::compose_template<J>(d, template_ids);
  file["decoder"] = text(d.decoder);

  J model = {{"type", "BPE"}, {"dropout", nullptr}, {"unk_token", nullptr}};
  if (d.unknown) model["unk_token"] = *d.unknown;
  model["continuing_subword_prefix"] = nullptr;
  model["end_of_word_suffix"] = nullptr;
  model["fuse_unk"] = d.fuse_unknown;
  if (d.newer_format || d.ignore_merges) {
    model["byte_fallback"] = false;
    model["ignore_merges"] = d.ignore_merges;
  }
  // An ordered object looks through all its keys when one is set.
  J vocab = J::object();
  auto& entries = vocab.template get_ref<typename J::object_t&>();
  for (const BpeToken& token : d.vocabulary) entries.push_back({token.text, J(token.id)});
  model["vocab"] = std::move(vocab);
  J merges = J::array();
  for (const auto& [left, right] : d.merges) {
    if (!d.newer_format && (left + right).find(' ') != std::string::npos)
      throw Error{{.kind = ErrorKind::usage,
                   .what = "a merge of tokens with spaces needs the newer format",
                   .found = "\"" + left + "\" and \"" + right + "\""}};
    merges.push_back(d.newer_format ? J::array({left, right}) : J(left + " " + right));
  }
  model["merges"] = std::move(merges);
  file["model"] = std::move(model);
  return dump_json(file);
}

/// Writes the tokenizer (BpeTokenizer or ByteBpeTokenizer) as a tokenizer.json, atomically.
template <class T>
void write_tokenizer_json(const std::filesystem::path& path, const T& tokenizer) {
  write_file(path, compose_tokenizer_json(tokenizer.definition()) + "\n");
}

}  // namespace ligase::inline LIGASE_ISA
