#include <doctest/doctest.h>

#include <ligase/io/json.hpp>
#include <ligase/seq/tokenizer/bpe_json.hpp>
#include <ligase/seq/tokenizer/bpe_json_write.hpp>

#include <support/errors.hpp>
#include <support/shared.hpp>

#include <unistd.h>
#include <functional>

using namespace ligase;
using Ids = std::vector<TokenId>;

namespace {

const char* const small = R"({
  "version": "1.0", "truncation": null, "padding": null,
  "added_tokens": [
    {"id": 0, "special": true, "content": "[UNK]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false},
    {"id": 1, "special": true, "content": "[CLS]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}],
  "normalizer": null, "pre_tokenizer": {"type": "Whitespace"},
  "post_processor": {"type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [1], "tokens": ["[CLS]"]}}},
  "decoder": null,
  "model": {"type": "BPE", "dropout": null, "unk_token": "[UNK]", "continuing_subword_prefix": null,
    "end_of_word_suffix": null, "fuse_unk": false,
    "vocab": {"[UNK]": 0, "[CLS]": 1, "A": 2, "C": 3, "AC": 4}, "merges": ["A C"]}})";

BpeTokenizer tokenizer_of(const Json& file) { return BpeTokenizer(parse_tokenizer_json(file.dump(), "f"), "f"); }

/// Message after one change of the small file.
std::string changed(const std::function<void(Json&)>& change) {
  Json file = parse_json(small, "small");
  change(file);
  return ligase_test::input_error([&] { tokenizer_of(file); });
}

}  // namespace

TEST_CASE("a tokenizer.json is read, and written with the same content") {
  const BpeTokenizer t = tokenizer_of(parse_json(small, "small"));
  CHECK(t.encode("ACA N") == Ids{4, 2, 0});
  CHECK(t.prefix() == Ids{1});
  CHECK(t.suffix().empty());
  CHECK(parse_json(compose_tokenizer_json(t.definition()), "again") == parse_json(small, "small"));
}

TEST_CASE("newer files: merges as pairs, byte_fallback, ignore_merges, truncation and padding") {
  Json file = parse_json(small, "small");
  Json& model = file["model"];
  model["merges"] = Json::parse(R"([["A","C"],["A C","A"]])");
  model["vocab"]["A C"] = 9;
  model["vocab"]["A CA"] = 8;
  model["byte_fallback"] = false;
  model["ignore_merges"] = true;
  model["vocab"]["CA"] = 7;
  file["truncation"] = Json::parse(R"({"direction":"Right","max_length":12,"strategy":"LongestFirst","stride":0})");
  file["padding"] = Json::parse(
      R"({"strategy":{"Fixed":4},"direction":"Left","pad_to_multiple_of":null,"pad_id":1,"pad_type_id":0,"pad_token":"[CLS]"})");
  const BpeTokenizer t = tokenizer_of(file);
  CHECK(t.vocab_size() == 10);
  CHECK(t.encode("CA ACA") == Ids{7, 4, 2});  // CA is a token, but no merge makes it
  CHECK(t.pad_id() == 1);
  CHECK(t.pad_side() == PadSide::left);
  CHECK(parse_json(compose_tokenizer_json(t.definition()), "again") == file);
  BpeDefinition older = t.definition();
  older.newer_format = false;
  try {
    compose_tokenizer_json(older);
    FAIL("no ligase::Error was thrown");
  } catch (const Error& e) {
    CHECK(e.kind() == ErrorKind::usage);
  }
}

TEST_CASE("what is not supported is refused by its name") {
  const auto set = [](const char* pointer, const char* value) {
    return changed([&](Json& f) { f[Json::json_pointer(pointer)] = Json::parse(value); });
  };
  const std::string no = "this value is not supported; expected ";
  CHECK(set("/version", "\"2.0\"") == "f: field \"version\": " + no + "\"1.0\", found \"2.0\"");
  CHECK(set("/normalizer", R"({"type":"Lowercase"})") ==
        "f: field \"normalizer\": " + no + "null, found \"Lowercase\"");
  CHECK(set("/pre_tokenizer", R"({"type":"Metaspace"})") ==
        "f: field \"pre_tokenizer\": " + no + "null, \"Whitespace\" or \"ByteLevel\", found \"Metaspace\"");
  CHECK(set("/pre_tokenizer", R"({"type":"ByteLevel","add_prefix_space":true})") ==
        "f: field \"pre_tokenizer.add_prefix_space\": " + no + "false, found true");
  CHECK(set("/pre_tokenizer", R"({"type":"ByteLevel","add_prefix_space":false})") ==
        "f: the tokenizer is byte-level; expected characters as letters (ByteBpeTokenizer reads byte-level ones)");
  CHECK(set("/post_processor", R"({"type":"BertProcessing"})") ==
        "f: field \"post_processor\": " + no + "null or \"TemplateProcessing\", found \"BertProcessing\"");
  CHECK(set("/post_processor/special_tokens/[CLS]/ids", "[3]") ==
        "f: field \"post_processor.special_tokens.[CLS]\": " + no +
            "the id that the token has in the vocabulary, found 3");
  CHECK(set("/post_processor/special_tokens", "{}") ==
        "f: post_processor.special_tokens: the field \"[CLS]\" is missing");
  CHECK(set("/post_processor/single", "[]").starts_with("f: field \"post_processor.single\": "));
  CHECK(set("/decoder", R"({"type":"BPEDecoder"})") == "f: field \"decoder\": " + no + "null, found \"BPEDecoder\"");
  CHECK(set("/surprise", "1") == "f: field \"surprise\": " + no + "no such field, found 1");
  CHECK(set("/model/type", "\"WordPiece\"") == "f: field \"model.type\": " + no + "\"BPE\", found \"WordPiece\"");
  CHECK(set("/model/dropout", "0.1") == "f: field \"model.dropout\": " + no + "null or 0, found 0.1");
  CHECK(set("/model/dropout", "0.0") == "no error");
  CHECK(set("/model/continuing_subword_prefix", "\"##\"") ==
        "f: field \"model.continuing_subword_prefix\": " + no + "null, found \"##\"");
  CHECK(set("/model/end_of_word_suffix", "\"</w>\"").starts_with("f: field \"model.end_of_word_suffix\""));
  CHECK(set("/model/byte_fallback", "true") == "f: field \"model.byte_fallback\": " + no + "false, found true");
  CHECK(set("/model/vocab", "[1]") == "f: model.vocab: wrong type or value; expected an object, found an array of 1");
  CHECK(set("/model/vocab/A", "-1") == "f: the id of token \"A\" is out of range; expected 0 to 2147483646, found -1");
  CHECK(set("/model/vocab/A", "3") == "f: two tokens have the same id; found \"A\" and \"C\" with id 3");
  CHECK(set("/model/vocab/A", "5000000000").find("token \"A\"") != std::string::npos);
  CHECK(set("/model/merges/0", "\"AC\"") ==
        "f: model.merges[0]: wrong type or value; expected two tokens with one space between them, found \"AC\"");
  CHECK(set("/model/merges/0", "\"A C \"").starts_with("f: model.merges[0]: "));
  CHECK(set("/model/merges/0", "[\"A\"]").starts_with("f: model.merges[0]: "));
  CHECK(set("/model/merges/0", "7").starts_with("f: model.merges[0]: "));
  CHECK(set("/model/merges/0", "\"C A\"") ==
        "f: merge 0: its product is not in the vocabulary; expected a token, found \"CA\"");
  CHECK(set("/added_tokens/0/lstrip", "true") == "f: field \"added_tokens[0].lstrip\": " + no + "false, found true");
  CHECK(set("/added_tokens/1/id", "77") == "f: field \"post_processor.special_tokens.[CLS]\": " + no +
                                               "the id that the token has in the vocabulary, found 1");
  CHECK(set("/added_tokens/0/id", "77") ==
        "f: an added token has another id in the vocabulary; found \"[UNK]\" with id 77");
  CHECK(set("/padding", R"({"direction":"Right","pad_id":9,"pad_token":"[CLS]"})") ==
        "f: field \"padding.pad_id\": " + no + "the id that \"[CLS]\" has in the vocabulary, found 9");
  CHECK(set("/truncation", "{}") == "f: truncation: the field \"max_length\" is missing");
  CHECK(changed([](Json& f) { f.erase("model"); }) == "f: the field \"model\" is missing");
  CHECK(changed([](Json& f) { f["model"].erase("merges"); }).starts_with("f: model.merges: "));
  CHECK(ligase_test::input_error([] { parse_tokenizer_json("[1]", "f"); }) ==
        "f: wrong type or value; expected an object, found an array of 1");
  CHECK(ligase_test::input_error([] { parse_tokenizer_json("{", "f"); }).starts_with("f: not valid JSON; found "));
  CHECK(ligase_test::input_error([] { parse_tokenizer_json("", "f"); }).starts_with("f: not valid JSON; found "));
  CHECK(ligase_test::input_error([] { read_bpe_tokenizer("/nonexistent/t.json"); }) ==
        "/nonexistent/t.json: cannot open the file; found No such file or directory");
}

TEST_CASE("the real DNABERT-2 file comes back whole") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no reference material beside the checkout");
    return;
  }
  const auto path = *shared / "data/tokenizers/dnabert2/tokenizer.json";
  const BpeTokenizer t = read_bpe_tokenizer(path);
  const auto copy =
      std::filesystem::temp_directory_path() / ("ligase_tokenizer_" + std::to_string(::getpid()) + ".json");
  write_tokenizer_json(copy, t);
  CHECK(parse_json_file(copy) == parse_json_file(path));
  const BpeTokenizer again = read_bpe_tokenizer(copy);
  std::filesystem::remove(copy);
  CHECK(again.definition().vocabulary == t.definition().vocabulary);
  CHECK(again.definition().merges == t.definition().merges);
  CHECK(again.encode("ACGTAGCATCGGATNNA[MASK]T") == t.encode("ACGTAGCATCGGATNNA[MASK]T"));
}
