#pragma once

#include <ligase/io/json.hpp>
#include <ligase/seq/tokenizer/bpe.hpp>
#include <ligase/seq/tokenizer/bpe_definition.hpp>
#include <ligase/seq/tokenizer/byte_bpe.hpp>

#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

namespace detail {

/// Reads one tokenizer.json; everything that is not supported is refused by its name.
template <class J>
class TokenizerJsonReader {
 public:
  explicit TokenizerJsonReader(std::string where) : where_(std::move(where)) {}

  BpeDefinition read(const J& file) {
    only(file, "",
         {"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor",
          "decoder", "model"});
    if (const auto version = optional_field<std::string>(file, "version", where_); version && *version != "1.0")
      refuse("version", "\"1.0\"", describe_json(*file.find("version")));
    none(file, "", "normalizer");
    read_model(require<J>(file, "model", where_));
    for (const J& token : field_or(file, "added_tokens", std::vector<J>(), where_)) read_added(token);
    read_words(file);
    read_post_processor(file);
    read_decoder(file);
    read_call(file);
    return std::move(d_);
  }

 private:
  [[noreturn]] void refuse(const std::string& field, std::string expected, std::string found) const {
    throw Error{{.kind = ErrorKind::input,
                 .what = "this value is not supported",
                 .where = where_ + ": field \"" + field + "\"",
                 .expected = std::move(expected),
                 .found = std::move(found)}};
  }
  /// "model" + "vocab" to "model.vocab".
  static std::string join(const std::string& object, const std::string& field) {
    return object.empty() ? field : object + "." + field;
  }
  std::string at(const std::string& object) const { return object.empty() ? where_ : where_ + ": " + object; }

  void only(const J& object, const std::string& name, std::initializer_list<std::string_view> fields) const {
    if (!object.is_object()) throw_json_type(object, at(name), "an object");
    for (auto item = object.begin(); item != object.end(); ++item)
      if (std::find(fields.begin(), fields.end(), item.key()) == fields.end())
        refuse(join(name, item.key()), "no such field", describe_json(item.value()));
  }
  void none(const J& object, const std::string& name, const char* field, bool empty_text = false) const {
    const auto found = object.find(field);
    if (found == object.end() || found->is_null()) return;
    if (empty_text && found->is_string() && found->template get_ref<const std::string&>().empty()) return;
    refuse(join(name, field), "null", kind_of(*found));
  }
  void is_false(const J& object, const std::string& name, const char* field) const {
    if (field_or(object, field, false, at(name))) refuse(join(name, field), "false", "true");
  }
  /// `type` of a part such as a normalizer.
  static std::string kind_of(const J& part) {
    if (part.is_object())
      if (const auto type = part.find("type"); type != part.end() && type->is_string()) return describe_json(*type);
    return describe_json(part);
  }

  void read_model(const J& model) {
    only(model, "model",
         {"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
          "byte_fallback", "ignore_merges", "vocab", "merges"});
    const std::string place = at("model");
    if (const auto type = optional_field<std::string>(model, "type", place); type && *type != "BPE")
      refuse("model.type", "\"BPE\"", "\"" + *type + "\"");
    if (const auto dropout = optional_field<double>(model, "dropout", place); dropout && *dropout != 0)
      refuse("model.dropout", "null or 0", describe_json(*model.find("dropout")));
    none(model, "model", "continuing_subword_prefix", true);
    none(model, "model", "end_of_word_suffix", true);
    is_false(model, "model", "byte_fallback");
    d_.unknown = optional_field<std::string>(model, "unk_token", place);
    d_.fuse_unknown = field_or(model, "fuse_unk", false, place);
    d_.ignore_merges = field_or(model, "ignore_merges", false, place);
    d_.newer_format = model.contains("byte_fallback") || model.contains("ignore_merges");

    const auto vocab = model.find("vocab");
    if (vocab == model.end() || !vocab->is_object())
      throw_json_type(vocab == model.end() ? J() : *vocab, place + ".vocab", "an object");
    for (auto item = vocab->begin(); item != vocab->end(); ++item)
      d_.vocabulary.push_back(
          {convert_json<TokenId>(item.value(), place + ".vocab: token \"" + item.key() + "\""), item.key()});

    const auto merges = model.find("merges");
    if (merges == model.end() || !merges->is_array())
      throw_json_type(merges == model.end() ? J() : *merges, place + ".merges", "an array");
    for (const J& merge : *merges) {
      const std::string name = place + ".merges[" + std::to_string(d_.merges.size()) + "]";
      if (merge.is_string()) {
        const auto& text = merge.template get_ref<const std::string&>();
        const auto space = text.find(' ');
        if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos)
          throw_json_type(merge, name, "two tokens with one space between them");
        d_.merges.emplace_back(text.substr(0, space), text.substr(space + 1));
      } else {
        auto pair = convert_json<std::vector<std::string>>(merge, name);
        if (pair.size() != 2) throw_json_type(merge, name, "two tokens");
        d_.merges.emplace_back(std::move(pair[0]), std::move(pair[1]));
        d_.newer_format = true;
      }
    }
  }

  void read_added(const J& token) {
    const std::string name = "added_tokens[" + std::to_string(d_.added.size()) + "]", place = at(name);
    only(token, name, {"id", "content", "special", "normalized", "lstrip", "rstrip", "single_word"});
    for (const char* field : {"lstrip", "rstrip", "single_word"}) is_false(token, name, field);
    d_.added.push_back({require<TokenId>(token, "id", place), require<std::string>(token, "content", place),
                        field_or(token, "special", false, place), field_or(token, "normalized", true, place)});
  }

  void read_words(const J& file) {
    const J words = field_or(file, "pre_tokenizer", J(), where_);
    d_.words = BpeDefinition::Words::whole;
    if (words.is_null()) return;
    const std::string type = kind_of(words);
    if (type == "\"Whitespace\"") {
      only(words, "pre_tokenizer", {"type"});
      d_.words = BpeDefinition::Words::whitespace;
    } else if (type == "\"ByteLevel\"") {
      only(words, "pre_tokenizer", {"type", "add_prefix_space", "trim_offsets", "use_regex"});
      if (field_or(words, "add_prefix_space", true, at("pre_tokenizer")))
        refuse("pre_tokenizer.add_prefix_space", "false", "true");
      if (!field_or(words, "use_regex", true, at("pre_tokenizer"))) refuse("pre_tokenizer.use_regex", "true", "false");
      d_.words = BpeDefinition::Words::byte_level;
    } else {
      refuse("pre_tokenizer", "null, \"Whitespace\" or \"ByteLevel\"", type);
    }
  }

  void read_post_processor(const J& file) {
    const J post = field_or(file, "post_processor", J(), where_);
    if (post.is_null()) return;
    const std::string type = kind_of(post);
    if (type == "\"ByteLevel\"" && d_.words == BpeDefinition::Words::byte_level) {
      d_.post_processor = dump_json(post, -1);
      return;
    }
    if (type != "\"TemplateProcessing\"") refuse("post_processor", "null or \"TemplateProcessing\"", type);
    only(post, "post_processor", {"type", "single", "pair", "special_tokens"});
    const J special = field_or(post, "special_tokens", J::object(), at("post_processor"));
    d_.single = read_template(post, "single", special);
    d_.pair = read_template(post, "pair", special);
    if (d_.single.empty()) refuse("post_processor.single", "one sequence A and special tokens", "an empty template");
  }

  std::vector<BpeTemplatePiece> read_template(const J& post, const char* field, const J& special) const {
    std::vector<BpeTemplatePiece> pieces;
    for (const J& piece : field_or(post, field, std::vector<J>(), at("post_processor"))) {
      const std::string name = "post_processor." + std::string(field) + "[" + std::to_string(pieces.size()) + "]";
      only(piece, name, {"Sequence", "SpecialToken"});
      if (piece.size() != 1) throw_json_type(piece, at(name), "one of \"Sequence\" and \"SpecialToken\"");
      const bool is_sequence = piece.contains("Sequence");
      const J& content = piece.begin().value();
      pieces.push_back(
          {require<std::string>(content, "id", at(name)), is_sequence, field_or(content, "type_id", 0, at(name))});
      if (is_sequence) continue;
      const std::string token = "special_tokens." + pieces.back().name;
      const J& entry = require<J>(special, pieces.back().name, at("post_processor.special_tokens"));
      const auto ids = require<std::vector<TokenId>>(entry, "ids", at(token));
      if (ids.size() != 1 || ids[0] != id_of(pieces.back().name))
        refuse("post_processor." + token, "the id that the token has in the vocabulary",
               ids.size() == 1 ? std::to_string(ids[0]) : std::to_string(ids.size()) + " ids");
    }
    return pieces;
  }

  /// Of a token in the vocabulary or added; -1 where there is none.
  TokenId id_of(const std::string& text) const {
    for (const BpeAddedToken& token : d_.added)
      if (token.text == text) return token.id;
    for (const BpeToken& token : d_.vocabulary)
      if (token.text == text) return token.id;
    return -1;
  }

  void read_decoder(const J& file) {
    const J decoder = field_or(file, "decoder", J(), where_);
    if (decoder.is_null()) return;
    if (d_.words != BpeDefinition::Words::byte_level || kind_of(decoder) != "\"ByteLevel\"")
      refuse("decoder", d_.words == BpeDefinition::Words::byte_level ? "null or \"ByteLevel\"" : "null",
             kind_of(decoder));
    d_.decoder = dump_json(decoder, -1);
  }

  /// Truncation and padding are asked for at the call; what the file says about them is kept.
  void read_call(const J& file) {
    if (const J truncation = field_or(file, "truncation", J(), where_); !truncation.is_null()) {
      if (require<Index>(truncation, "max_length", at("truncation")) < 0)
        refuse("truncation.max_length", "0 or more", describe_json(truncation["max_length"]));
      d_.truncation = dump_json(truncation, -1);
    }
    const J padding = field_or(file, "padding", J(), where_);
    if (padding.is_null()) return;
    const auto side = field_or(padding, "direction", std::string("Right"), at("padding"));
    if (side != "Right" && side != "Left") refuse("padding.direction", "\"Right\" or \"Left\"", "\"" + side + "\"");
    d_.pad_side = side == "Left" ? PadSide::left : PadSide::right;
    d_.pad = require<TokenId>(padding, "pad_id", at("padding"));
    const auto name = require<std::string>(padding, "pad_token", at("padding"));
    if (*d_.pad < 0 || id_of(name) != *d_.pad)
      refuse("padding.pad_id", "the id that \"" + name + "\" has in the vocabulary", std::to_string(*d_.pad));
    d_.padding = dump_json(padding, -1);
  }

  std::string where_;
  BpeDefinition d_;
};

}  // namespace detail

/// Definition in the text of a tokenizer.json (huggingface/tokenizers, version "1.0"). Supported: BPE model without
/// dropout, prefix, suffix and byte_fallback; pre_tokenizer null, Whitespace, ByteLevel; post_processor null,
/// TemplateProcessing (ByteLevel for byte-level ones); normalizer null; decoder null (ByteLevel for byte-level ones);
/// added tokens without lstrip, rstrip, single_word. Anything else, and every field unknown here, is refused by name,
/// kind `input`.
template <class J = Json>
BpeDefinition parse_tokenizer_json(std::string_view text, const std::string& where) {
  return detail::TokenizerJsonReader<J>(where).read(parse_json<J>(text, where));
}

/// Tokenizers from a tokenizer.json. Throw kind `input` with the path.
template <class J = Json>
BpeTokenizer read_bpe_tokenizer(const std::filesystem::path& path) {
  return BpeTokenizer(parse_tokenizer_json<J>(read_file(path), path.string()), path.string());
}
template <class J = Json>
ByteBpeTokenizer read_byte_bpe_tokenizer(const std::filesystem::path& path) {
  return ByteBpeTokenizer(parse_tokenizer_json<J>(read_file(path), path.string()), path.string());
}

/// Definition in GPT-2's two files: encoder.json (or vocab.json: token to id) and vocab.bpe (or merges.txt: a line
/// "#version", then a merge per line). <|endoftext|>, where it is in the vocabulary, is an added token.
template <class J = Json>
BpeDefinition parse_gpt2(std::string_view encoder, std::string_view merges, const std::string& encoder_where,
                         const std::string& merges_where) {
  BpeDefinition d;
  d.words = BpeDefinition::Words::byte_level;
  d.decoder = R"({"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true})";
  d.post_processor = R"({"type":"ByteLevel","add_prefix_space":true,"trim_offsets":false,"use_regex":true})";
  const J vocabulary = parse_json<J>(encoder, encoder_where);
  if (!vocabulary.is_object()) detail::throw_json_type(vocabulary, encoder_where, "an object from tokens to ids");
  for (auto item = vocabulary.begin(); item != vocabulary.end(); ++item) {
    const auto id = detail::convert_json<TokenId>(item.value(), encoder_where + ": token \"" + item.key() + "\"");
    if (item.key() == ByteBpeTokenizer::end_of_text) d.added.push_back({id, item.key()});
    d.vocabulary.push_back({id, item.key()});
  }
  Index line_number = 0;
  while (!merges.empty()) {
    const auto end = std::min(merges.find('\n'), merges.size());
    const std::string_view line = merges.substr(0, end);
    merges.remove_prefix(std::min(end + 1, merges.size()));
    ++line_number;
    if (line.empty() || (line_number == 1 && line.starts_with("#version"))) continue;
    const auto space = line.find(' ');
    if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos)
      throw Error{{.kind = ErrorKind::input,
                   .what = "not a merge",
                   .where = merges_where + ": line " + std::to_string(line_number),
                   .expected = "two tokens with one space between them",
                   .found = "\"" + std::string(line.substr(0, 60)) + "\""}};
    d.merges.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  return d;
}
template <class J = Json>
ByteBpeTokenizer read_gpt2_tokenizer(const std::filesystem::path& encoder, const std::filesystem::path& merges) {
  return ByteBpeTokenizer(parse_gpt2<J>(read_file(encoder), read_file(merges), encoder.string(), merges.string()),
                          encoder.parent_path().string());
}

}  // namespace ligase::inline LIGASE_ISA
