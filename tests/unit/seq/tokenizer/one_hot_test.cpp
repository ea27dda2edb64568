#include <doctest/doctest.h>

#include <ligase/seq/tokenizer/one_hot.hpp>

#include <unit/seq/tokenizer_test_template.hpp>

using namespace ligase;
using Ids = std::vector<TokenId>;

template <>
struct ligase_test::TokenizerUnderTest<OneHot> {
  static std::vector<OneHot> make() { return {{}}; }
  static constexpr bool keeps_text = true;
};
TYPE_TO_STRING(OneHot);
TEST_CASE_TEMPLATE_INVOKE(tokenizer_concept, OneHot);

TEST_CASE("a letter is one channel, N none, padding a quarter of each") {
  const OneHot t;
  CHECK(t.encode("AcGtNr.") == Ids{0, 1, 2, 3, 4, 4, 5});
  CHECK(t.decode(Ids{0, 1, 2, 3, 4, 5}) == "ACGTN.");
  CHECK(t.rows("gN.") == std::vector<float>{0, 0, 1, 0, 0, 0, 0, 0, 0.25F, 0.25F, 0.25F, 0.25F});
  CHECK(encode_with(t, "A", {.max_length = 3, .pad = true}).ids == Ids{0, 5, 5});
  CHECK_THROWS_AS(OneHot::row(6), Error);
}

TEST_CASE("the other strand's rows are these, read backwards") {
  for (const std::string& text : ligase_test::random_texts("ACGTNacgt.")) {
    std::vector<float> rows = OneHot().rows(text);
    std::reverse(rows.begin(), rows.end());
    CHECK(OneHot().rows(reverse_complement(text)) == rows);
  }
}
