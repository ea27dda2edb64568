#include <doctest/doctest.h>

#include <ligase/io/json.hpp>
#include <ligase/seq/tokenizer/bpe_json.hpp>
#include <ligase/seq/tokenizer/bpe_json_write.hpp>
#include <ligase/seq/tokenizer/byte_bpe.hpp>

#include <support/errors.hpp>
#include <support/shared.hpp>
#include <unit/seq/tokenizer_test_template.hpp>

#include <optional>

using namespace ligase;
using Ids = std::vector<TokenId>;

namespace {

/// 256 bytes, then the merges' products, then <|endoftext|>.
BpeDefinition small_definition(const std::vector<BpeMerge>& merges = {{"A", "C"}, {"\xC4\xA0", "A"}, {"AC", "G"}}) {
  BpeDefinition d;
  d.words = BpeDefinition::Words::byte_level;
  const auto add = [&](std::string text) {
    d.vocabulary.push_back({static_cast<TokenId>(d.vocabulary.size()), std::move(text)});
  };
  for (int b = 0; b < 256; ++b) add(detail::printable_of_bytes(std::string(1, static_cast<char>(b))));
  for (const auto& [a, b] : merges) add(a + b);
  d.added.push_back({static_cast<TokenId>(d.vocabulary.size()), "<|endoftext|>", true, true});
  add("<|endoftext|>");
  d.merges = merges;
  return d;
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> found;
  std::size_t done = 0;
  detail::split_gpt2(text, 0, text.size(), [&](std::size_t begin, std::size_t end) {
    CHECK(begin == done);
    done = end;
    found.emplace_back(text.substr(begin, end - begin));
  });
  CHECK(done == text.size());
  return found;
}
using Words = std::vector<std::string>;

std::optional<ByteBpeTokenizer> gpt2() {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no reference material beside the checkout");
    return std::nullopt;
  }
  const auto folder = *shared / "data/tokenizers/gpt2";
  return read_gpt2_tokenizer(folder / "encoder.json", folder / "vocab.bpe");
}

}  // namespace

template <>
struct ligase_test::TokenizerUnderTest<ByteBpeTokenizer> {
  static std::vector<ByteBpeTokenizer> make() { return {ByteBpeTokenizer(small_definition())}; }
  static constexpr bool keeps_text = true;
};
TYPE_TO_STRING(ByteBpeTokenizer);
TEST_CASE_TEMPLATE_INVOKE(tokenizer_concept, ByteBpeTokenizer);

TEST_CASE("GPT-2's expression cuts a text into words") {
  CHECK(words("").empty());
  CHECK(words("Hello world, it's 2 a.m.") == Words{"Hello", " world", ",", " it", "'s", " 2", " a", ".", "m", "."});
  CHECK(words("we're I'll they've I'd I'm don't 'S") ==
        Words{"we", "'re", " I", "'ll", " they", "'ve", " I", "'d", " I", "'m", " don", "'t", " '", "S"});
  CHECK(words("a  b   c ") == Words{"a", " ", " b", "  ", " c", " "});
  CHECK(words(" \t\nx\t\ty \n") == Words{" \t", "\n", "x", "\t", "\t", "y", " \n"});
  CHECK(words("ACGT123ACGT-_ACGT") == Words{"ACGT", "123", "ACGT", "-_", "ACGT"});
  CHECK(words("''s") == Words{"''", "s"});
  CHECK(words("\xC3\xA9t\xC3\xA9 \xC2\xB2\xC2\xA0x") == Words{"\xC3\xA9t\xC3\xA9", " \xC2\xB2", "\xC2\xA0", "x"});
  CHECK(words("A\xFF\xFE C") == Words{"A", "\xFF\xFE", " C"});
}

TEST_CASE("bytes have GPT-2's printable characters") {
  CHECK(detail::printable_of_bytes("A\n \x7F\xAD\xFF") ==
        "A\xC4\x8A\xC4\xA0\xC4\xA1\xC5\x83\xC3\xBF");  // 256 + 10, 256 + 32, 256 + 33, 256 + 67
  std::string back;
  REQUIRE(detail::bytes_of_printable(detail::printable_of_bytes(ligase_test::all_bytes()), back));
  CHECK(back == ligase_test::all_bytes());
  CHECK_FALSE(detail::bytes_of_printable(" ", back));
  CHECK_FALSE(detail::bytes_of_printable("\xC5\x84", back));
}

TEST_CASE("every byte has an encoding and comes back") {
  const ByteBpeTokenizer t{small_definition()};
  const std::string bytes = ligase_test::all_bytes() + "ACG ACG AC<|endoftext|>A";
  const Encoding e = t.encode_spans(bytes);
  CHECK(t.decode(e.ids) == bytes);
  Index end = 0;
  for (const Span span : e.spans) {
    CHECK(span.begin == end);
    end = span.end;
  }
  CHECK(end == static_cast<Index>(bytes.size()));
  CHECK(t.encode("ACG ACG<|endoftext|>") == Ids{258, ' ', 258, 259});
  CHECK(t.eos_id() == 259);
  CHECK(t.pad_id() == 259);
}

TEST_CASE("byte-level files that are none are refused") {
  const auto message = [](const BpeDefinition& d) {
    return ligase_test::input_error([&] { ByteBpeTokenizer{d, "f"}; });
  };
  BpeDefinition d = small_definition();
  d.vocabulary.erase(d.vocabulary.begin() + 'A');
  CHECK(message(d).starts_with("f: merge 0: its left part is not in the vocabulary"));
  d.merges.clear();
  CHECK(message(d) == "f: a byte is not in the vocabulary; expected all 256 as tokens, found no token for byte 65");
  d = small_definition();
  d.vocabulary.push_back({999, "a b"});
  CHECK(message(d) ==
        "f: a token has a character that stands for no byte; expected GPT-2's printable characters, found \"a b\"");
  d = small_definition();
  d.words = BpeDefinition::Words::whitespace;
  CHECK(message(d).starts_with("f: the tokenizer is not byte-level"));
  CHECK(ligase_test::input_error([] { parse_gpt2("{}", "#version: 0.2\nA C\nA\n", "e", "m"); }) ==
        "m: line 3: not a merge; expected two tokens with one space between them, found \"A\"");
  CHECK(ligase_test::input_error([] { parse_gpt2("[]", "", "e", "m"); }).starts_with("e: wrong type"));
  CHECK(ligase_test::input_error([] { parse_gpt2("{\"A\": \"0\"}", "", "e", "m"); }).starts_with("e: token \"A\": "));
}

TEST_CASE("a byte-level tokenizer.json is read and written") {
  const ByteBpeTokenizer t{small_definition()};
  const std::string text = compose_tokenizer_json(t.definition());
  const ByteBpeTokenizer again(parse_tokenizer_json(text, "f"), "f");
  CHECK(again.encode("ACG ACG\xFF") == t.encode("ACG ACG\xFF"));
  CHECK(compose_tokenizer_json(again.definition()) == text);
}

TEST_CASE("GPT-2's tokenizer agrees with all golden rows") {
  const auto t = gpt2();
  if (!t) return;
  CHECK(t->vocab_size() == 50257);
  CHECK(t->eos_id() == 50256);
  const auto golden = parse_json_file(*ligase_test::shared() / "reference/golden/tokenizers/gpt2_bpe.json");
  const auto rows = require<std::vector<Json>>(golden, "rows", "golden");
  REQUIRE(rows.size() == 21);
  for (const Json& row : rows) {
    const auto text = require<std::string>(row, "seq", "row");
    CAPTURE(text);
    const Ids ids = t->encode(text);
    CHECK(ids == require<Ids>(row, "ids", "row"));
    CHECK(t->decode(ids) == text);
  }
  const std::string dna = ligase_test::random_letters("ACGTN", 100'000, 3);
  CHECK(t->decode(t->encode(dna)) == dna);
}
