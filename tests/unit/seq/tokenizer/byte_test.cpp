#include <doctest/doctest.h>

#include <ligase/io/json.hpp>
#include <ligase/seq/tokenizer/byte.hpp>

#include <support/shared.hpp>
#include <unit/seq/tokenizer_test_template.hpp>

using namespace ligase;
using Ids = std::vector<TokenId>;

template <>
struct ligase_test::TokenizerUnderTest<ByteTokenizer> {
  static std::vector<ByteTokenizer> make() { return {{}}; }
  static constexpr bool keeps_text = true;
};
TYPE_TO_STRING(ByteTokenizer);
TEST_CASE_TEMPLATE_INVOKE(tokenizer_concept, ByteTokenizer);

TEST_CASE("bytes are their own ids") {
  const ByteTokenizer t;
  CHECK(t.vocab_size() == 512);
  CHECK(t.encode("ACGTNa") == Ids{65, 67, 71, 84, 78, 97});
  CHECK(t.encode("\xC3\xA9") == Ids{0xC3, 0xA9});
  CHECK(t.decode(t.encode(ligase_test::all_bytes())) == ligase_test::all_bytes());
  CHECK(t.decode(Ids{256, 511}) == "\xC4\x80\xC7\xBF");
  CHECK(t.detokenize(Ids{0, 1, 65, 31, 200, 511}) == "  A \xC3\x88\xC7\xBF");
  CHECK(t.complement(65) == 84);
  CHECK(t.complement('g') == 'c');
  CHECK(t.complement(300) == 300);
  CHECK(encode_with(t, "AC", {.max_length = 4, .pad = true, .add_special_tokens = true}).ids == Ids{65, 67, 1, 1});
}

TEST_CASE("Evo's tokenizer is reproduced on all golden rows") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no reference material beside the checkout");
    return;
  }
  const Json document = parse_json_file(*shared / "reference/golden/tokenizers/evo_bytes.json");
  const auto rows = require<std::vector<Json>>(document, "rows", "file");
  REQUIRE(rows.size() == 19);
  for (const Json& row : rows)
    CHECK(ByteTokenizer().encode(require<std::string>(row, "seq", "row")) == require<Ids>(row, "ids", "row"));
}
