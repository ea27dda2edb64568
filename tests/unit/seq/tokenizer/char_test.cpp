#include <doctest/doctest.h>

#include <ligase/io/json.hpp>
#include <ligase/seq/tokenizer/char.hpp>

#include <support/shared.hpp>
#include <unit/seq/tokenizer_test_template.hpp>

using namespace ligase;
using Ids = std::vector<TokenId>;

template <>
struct ligase_test::TokenizerUnderTest<CharTokenizer> {
  static std::vector<CharTokenizer> make() {
    return {CharTokenizer(), CharTokenizer(CharTokenizer::caduceus_rules()),
            CharTokenizer(CharTokenizer::finetune_rules()), CharTokenizer(CharTokenizer::hyenadna_rules()),
            CharTokenizer(CharTokenizer::standalone_rules())};
  }
  static constexpr bool keeps_text = true;
};
TYPE_TO_STRING(CharTokenizer);
TEST_CASE_TEMPLATE_INVOKE(tokenizer_concept, CharTokenizer);

namespace {

const CharTokenizer caduceus(CharTokenizer::caduceus_rules());
const CharTokenizer finetune(CharTokenizer::finetune_rules());

std::string message_of(const CharTokenizer& t, const EncodeOptions& options) {
  try {
    encode_with(t, "ACGT", options);
  } catch (const Error& e) {
    CHECK(e.kind() == ErrorKind::usage);
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("characters get the original's ids") {
  const CharTokenizer t;
  CHECK(t.vocab_size() == 12);
  CHECK(t.encode("ACGTN") == Ids{7, 8, 9, 10, 11});
  CHECK(t.encode("acgtn") == Ids{7, 8, 9, 10, 11});
  CHECK(finetune.encode("acgtnA") == Ids{6, 6, 6, 6, 6, 7});
  CHECK(t.encode("RYKM-u ") == Ids{6, 6, 6, 6, 6, 6, 6});
  CHECK(t.id_of('c') == 8);
  CHECK(finetune.id_of('c') == 6);
  CHECK(t.eos_id() == t.sep_id());
  CHECK(finetune.eos_id() == finetune.pad_id());
}

TEST_CASE("names of special tokens inside the text are one token") {
  for (const CharTokenizer& t : {caduceus, finetune}) {
    CHECK(t.encode("A[MASK]C") == Ids{7, 3, 8});
    CHECK(t.encode("[CLS][SEP][BOS][MASK][PAD][RESERVED][UNK]") == Ids{0, 1, 2, 3, 4, 5, 6});
    CHECK(t.encode("[[MASK]]") == Ids{6, 3, 6});
    CHECK(t.encode("[MASK") == Ids{6, 6, 7, 6, 6});
    CHECK(encode_with(t, "[MASK]", {.max_length = 1}).ids == Ids{3});
    CHECK(t.decode(Ids{0, 7, 3, 11, 5}) == "[CLS]A[MASK]N[RESERVED]");
  }
  // Case is not changed before the names are looked for.
  CHECK(caduceus.encode("[mask]") == Ids{6, 6, 7, 6, 6, 6});
  CHECK(finetune.encode("[mask]") == Ids{6, 6, 6, 6, 6, 6});
}

TEST_CASE("a UTF-8 character is one unknown token, stray bytes are one each") {
  const CharTokenizer t;
  CHECK(t.encode("A\xC3\xA9"
                 "C") == Ids{7, 6, 8});
  CHECK(t.encode("\xE2\x82\xAC\xF0\x9F\xA7\xAC") == Ids{6, 6});
  CHECK(t.encode("\xA9\xA9") == Ids{6, 6});
  CHECK(t.encode("\xE2\x82") == Ids{6, 6});
  CHECK(t.encode("\xE2"
                 "A") == Ids{6, 7});
}

TEST_CASE("padding stands left, truncation keeps the first characters, special tokens count") {
  CHECK(encode_with(caduceus, "ACGT", {.max_length = 6, .pad = true, .add_special_tokens = true}).ids ==
        Ids{4, 7, 8, 9, 10, 1});
  CHECK(encode_with(finetune, "ACGT", {.max_length = 7, .pad = true, .add_special_tokens = true}).ids ==
        Ids{4, 0, 7, 8, 9, 10, 1});
  CHECK(encode_with(finetune, "ACGT", {.max_length = 4, .pad = true, .add_special_tokens = true}).ids ==
        Ids{0, 7, 8, 1});
  CHECK(encode_with(finetune, "ACGT", {.max_length = 3}).ids == Ids{7, 8, 9});
  CHECK(encode_with(finetune, "ACGT", {.max_length = 2, .add_special_tokens = true}).ids == Ids{0, 1});
  CHECK(encode_with(caduceus, "ACGT", {.max_length = 9}).ids == Ids{7, 8, 9, 10});
  CHECK(encode_with(caduceus, "", {.max_length = 0, .pad = true}).ids.empty());
  CHECK(message_of(finetune, {.max_length = 1, .add_special_tokens = true}) ==
        "char tokenizer: max_length is too small; expected at least 2, found 1");
  CHECK(message_of(caduceus, {.max_length = -1}).ends_with("found -1"));
  CHECK(message_of(caduceus, {.pad = true}) == "char tokenizer: padding needs max_length");
}

TEST_CASE("complements exchange A with T and C with G, added ids keep themselves") {
  const CharTokenizer t;
  CHECK(t.complement_map(16) == Ids{0, 1, 2, 3, 4, 5, 6, 10, 9, 8, 7, 11, 12, 13, 14, 15});
  CHECK(t.complement_map().size() == 12);
  CHECK(reverse_complement(t, Ids{7, 8, 3, 11}) == Ids{11, 3, 9, 10});
}

TEST_CASE("decoding names the id that does not exist") {
  try {
    CharTokenizer().decode(Ids{7, 12});
    FAIL("no ligase::Error was thrown");
  } catch (const Error& e) {
    CHECK(e.kind() == ErrorKind::input);
    CHECK(std::string(e.what()) == "char tokenizer: no such token; expected an id from 0 to 11, found 12");
  }
}

TEST_CASE("a chromosome is encoded in linear time") {
  const std::string text(20'000'000, '[');
  const Ids ids = CharTokenizer().encode(text);
  CHECK(ids.size() == text.size());
  CHECK(std::count(ids.begin(), ids.end(), 6) == 20'000'000);
}

TEST_CASE("both original tokenizers are reproduced on all golden cases") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no reference material beside the checkout");
    return;
  }
  const auto path = *shared / "reference/golden/char_tokenizer/cases.json";
  const Json document = parse_json_file(path);
  const auto vocab = require<std::map<std::string, TokenId>>(document, "vocab", path.string());
  CHECK(vocab.size() == CharTokenizer::vocabulary.size());
  for (const auto& [name, id] : vocab) CHECK(CharTokenizer::vocabulary.at(static_cast<std::size_t>(id)) == name);
  const auto complement = require<std::map<std::string, TokenId>>(document, "complement", path.string());
  const Ids map = CharTokenizer().complement_map(static_cast<Index>(complement.size()));
  for (const auto& [id, other] : complement) CHECK(map.at(std::stoul(id)) == other);

  const auto cases = require<std::vector<Json>>(document, "cases", path.string());
  REQUIRE(cases.size() == 160);
  for (const Json& c : cases) {
    CAPTURE(c.dump());
    const auto kind = require<std::string>(c, "tokenizer", "case");
    REQUIRE((kind == "caduceus" || kind == "finetune"));
    const EncodeOptions options{.max_length = optional_field<Index>(c, "max_length", "case"),
                                .pad = require<bool>(c, "pad_left", "case"),
                                .add_special_tokens = require<bool>(c, "add_special_tokens", "case")};
    const CharTokenizer& t = kind == "caduceus" ? caduceus : finetune;
    CHECK(encode_with(t, require<std::string>(c, "text", "case"), options).ids == require<Ids>(c, "ids", "case"));
  }
}

TEST_CASE("both tokenizers of HyenaDNA are reproduced on all golden rows") {
  CHECK(encode_with(CharTokenizer(CharTokenizer::standalone_rules()), "ACGRn", {.add_special_tokens = true}).ids ==
        Ids{0, 7, 8, 9, 6, 6, 1});
  CHECK(CharTokenizer(CharTokenizer::hyenadna_rules()).prefix().empty());
  CHECK(CharTokenizer(CharTokenizer::standalone_rules()).eos_id() == 1);
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no reference material beside the checkout");
    return;
  }
  const Json document = parse_json_file(*shared / "reference/golden/tokenizers/char_hyenadna.json");
  const auto rows = require<std::vector<Json>>(document, "rows", "file");
  REQUIRE(rows.size() == 19);
  const CharTokenizer training(CharTokenizer::hyenadna_rules()), standalone(CharTokenizer::standalone_rules());
  const EncodeOptions special{.add_special_tokens = true};
  const EncodeOptions padded{.max_length = 20, .pad = true, .add_special_tokens = true};
  for (const Json& row : rows) {
    CAPTURE(row.dump());
    const auto text = require<std::string>(row, "seq", "row");
    CHECK(training.encode(text) == require<Ids>(row, "no_special", "row"));
    CHECK(encode_with(training, text, special).ids == require<Ids>(row, "training", "row"));
    CHECK(encode_with(standalone, text, special).ids == require<Ids>(row, "standalone", "row"));
    CHECK(encode_with(training, text, padded).ids == require<Ids>(row, "training_padded_20", "row"));
    CHECK(encode_with(standalone, text, padded).ids == require<Ids>(row, "standalone_padded_20", "row"));
  }
}
