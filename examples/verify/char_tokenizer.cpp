#include "cases.hpp"

#include <ligase/io/json.hpp>
#include <ligase/seq/tokenizer/char.hpp>

#include <set>

namespace ligase_verify {

using namespace ligase;

namespace {

std::string text(const std::vector<TokenId>& ids) {
  std::string s = "[";
  for (std::size_t i = 0; i < ids.size(); ++i) s += (i ? ", " : "") + std::to_string(ids[i]);
  return s + "]";
}

void compare_encoding(const Json& one, const std::string& name, const std::string& place, Tally& tally) {
  const auto kind = require<std::string>(one, "tokenizer", place);
  if (kind != "caduceus" && kind != "finetune")
    throw Error{{.kind = ErrorKind::input,
                 .what = "unknown tokenizer",
                 .where = place,
                 .expected = "caduceus or finetune",
                 .found = kind}};
  const CharTokenizer tokenizer(kind == "caduceus" ? CharTokenizer::caduceus_rules() : CharTokenizer::finetune_rules());
  const EncodeOptions options{.max_length = optional_field<Index>(one, "max_length", place),
                              .pad = field_or(one, "pad_left", false, place),
                              .add_special_tokens = field_or(one, "add_special_tokens", false, place)};
  const auto expected = require<std::vector<TokenId>>(one, "ids", place);
  const auto found = encode_with(tokenizer, require<std::string>(one, "text", place), options).ids;
  tally.agree(name, expected == found, text(expected), text(found));
}

}  // namespace

void verify_char_tokenizer(const CaseFolder& folder, Tally& tally) {
  const std::string where = (folder.path / "cases.json").string();
  const Json json = parse_json_file(where);
  const std::set<std::string> understood{"vocab", "complement", "cases", "reverse_complement"};
  for (auto item = json.begin(); item != json.end(); ++item)
    if (!understood.contains(item.key())) tally.failure(item.key() + ": verify does not understand this field");

  std::map<std::string, TokenId> vocabulary;
  for (std::size_t id = 0; id < CharTokenizer::vocabulary.size(); ++id)
    vocabulary.emplace(CharTokenizer::vocabulary[id], static_cast<TokenId>(id));
  tally.agree("vocab", require<std::map<std::string, TokenId>>(json, "vocab", where) == vocabulary, "ids of the file",
              "other ids");

  if (const auto map = optional_field<std::map<std::string, TokenId>>(json, "complement", where)) {
    const auto size = static_cast<Index>(map->size());
    tally.agree("complement", size >= CharTokenizer::vocab_size(), "at least 12 entries", std::to_string(size));
    if (size >= CharTokenizer::vocab_size()) {
      const std::vector<TokenId> found = CharTokenizer().complement_map(size);
      for (Index id = 0; id < size; ++id) {
        const auto entry = map->find(std::to_string(id));
        const TokenId expected = entry == map->end() ? -1 : entry->second;
        tally.agree("complement." + std::to_string(id), expected == found[static_cast<std::size_t>(id)],
                    std::to_string(expected), std::to_string(found[static_cast<std::size_t>(id)]));
      }
    }
  }
  const Json cases = field_or(json, "cases", Json::array(), where);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const std::string name = "cases[" + std::to_string(i) + "]";
    compare_encoding(cases[i], name, where + ": " + name, tally);
  }
  const Json strands = field_or(json, "reverse_complement", Json::array(), where);
  for (std::size_t i = 0; i < strands.size(); ++i) {
    const std::string name = "reverse_complement[" + std::to_string(i) + "]", place = where + ": " + name;
    const auto expected = require<std::string>(strands[i], "rc", place);
    const std::string found = reverse_complement(require<std::string>(strands[i], "text", place));
    tally.agree(name, expected == found, expected, found);
  }
}

}  // namespace ligase_verify
