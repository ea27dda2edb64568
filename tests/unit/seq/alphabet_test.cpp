#include <doctest/doctest.h>

#include <ligase/io/json.hpp>
#include <ligase/seq/alphabet.hpp>

#include <support/shared.hpp>

using namespace ligase;

TEST_CASE("bases have the codes 0 to 3 in either case") {
  const std::string letters = "ACGTacgt";
  for (std::size_t i = 0; i < 8; ++i) CHECK(base_code(letters[i]) == i % 4);
  int known = 0;
  for (int c = 0; c < 256; ++c) known += base_code(static_cast<char>(c)) != unknown_base;
  CHECK(known == 8);
  for (const char c : std::string("ACGT")) CHECK(base_code(complement(c)) == 3 - base_code(c));
}

TEST_CASE("complement keeps case and leaves everything else alone") {
  CHECK(reverse_complement("ACGTN") == "NACGT");
  CHECK(reverse_complement("aAcCgGtT") == "AaCcGgTt");
  CHECK(reverse_complement("RYKM-*nU") == "Un*-MKYR");
  CHECK(reverse_complement("") == "");
  int changed = 0;
  for (int c = 0; c < 256; ++c) {
    const char letter = static_cast<char>(c);
    changed += complement(letter) != letter;
    CHECK(complement(complement(letter)) == letter);
  }
  CHECK(changed == 8);
}

TEST_CASE("upper case is ASCII only") {
  CHECK(to_upper('a') == 'A');
  CHECK(to_upper('z') == 'Z');
  CHECK(to_upper('`') == '`');
  CHECK(to_upper('{') == '{');
  CHECK(to_upper('\xe4') == '\xe4');
}

TEST_CASE("reverse complement agrees with the original on its golden strings") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no reference material beside the checkout");
    return;
  }
  const auto path = *shared / "reference/golden/char_tokenizer/cases.json";
  const auto cases = require<std::vector<Json>>(parse_json_file(path), "reverse_complement", path.string());
  REQUIRE(cases.size() == 20);
  for (const Json& c : cases)
    CHECK(reverse_complement(require<std::string>(c, "text", "case")) == require<std::string>(c, "rc", "case"));
}
