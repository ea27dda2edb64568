#include <doctest/doctest.h>

#include <ligase/io/json.hpp>
#include <ligase/seq/tokenizer/kmer.hpp>

#include <support/errors.hpp>
#include <support/shared.hpp>
#include <unit/seq/tokenizer_test_template.hpp>

using namespace ligase;
using Ids = std::vector<TokenId>;
using Version = KmerTokenizer::Version;

namespace {

const KmerTokenizer v1(6), v2(6, Version::v2), strict(6, Version::v1, {.refuse_other = true});

std::string message_of(const auto& action) { return ligase_test::error_of(action).what(); }

}  // namespace

template <>
struct ligase_test::TokenizerUnderTest<KmerTokenizer> {
  static std::vector<KmerTokenizer> make() {
    return {KmerTokenizer(), KmerTokenizer(6, Version::v2), KmerTokenizer(2), KmerTokenizer(8),
            KmerTokenizer(3, Version::v1, {.upper_case = true, .trailing_pad = true})};
  }
  static constexpr bool keeps_text = true;
};
TYPE_TO_STRING(KmerTokenizer);
TEST_CASE_TEMPLATE_INVOKE(tokenizer_concept, KmerTokenizer);

TEST_CASE("k-mers side by side get Nucleotide Transformer's ids") {
  CHECK(v1.vocab_size() == 4105);
  CHECK(v2.vocab_size() == 4107);
  CHECK(v1.name() == "kmer:6");
  CHECK(v1.encode("ACGTGTACNTGCACGGANCGACTAGTCTGA") == Ids{737, 4100, 4102, 4104, 1935, 4103, 4100, 4104, 2856, 3488});
  CHECK(v2.encode("ACGTGTACGTGCACGGACGACTAGTCAGCA") == Ids{739, 740, 760, 3225, 1598});
  CHECK(v1.encode("N") == Ids{4104});
  CHECK(v2.encode("NNA") == Ids{4106, 4106, 4102});
  CHECK(v1.encode("acgtACGTacgt") == Ids{0, 4100, 4102, 4103, 4101, 0});
  CHECK(v1.encode("ACGRYKMSWBDHVN") == Ids{4100, 4102, 4103, 0, 4104});
  CHECK(v1.encode("CCGAG") == Ids{4102, 4102, 4103, 4100, 4103});
  CHECK(v1.encode("AAAAAA") == Ids{4});
  CHECK(v1.prefix() == Ids{3});
  CHECK(v1.suffix().empty());
  CHECK(encode_with(v1, "AAAAAAC", {.max_length = 5, .pad = true, .add_special_tokens = true}).ids ==
        Ids{3, 4, 4102, 1, 1});
  CHECK(encode_with(v1, "AAAAAAC", {.max_length = 2, .add_special_tokens = true}).ids == Ids{3, 4});
}

TEST_CASE("the rules of the k-mer tokenizer") {
  CHECK(KmerTokenizer(6, Version::v1, {.upper_case = true}).encode("acgtgtn") == Ids{737, 4104});
  CHECK(KmerTokenizer(6, Version::v1, {.trailing_pad = true}).suffix() == Ids{1});
  CHECK(strict.encode("ACGTGTNA") == Ids{737, 4104, 4100});
  CHECK(message_of([] { strict.encode("ACGaT"); }) ==
        "kmer:6 tokenizer, letter 4: a letter is not in the vocabulary; expected A, C, G, T or N, found 'a'");
  CHECK(message_of([] { strict.encode("A T"); }).find("letter 2") != std::string::npos);
}

TEST_CASE("names of special tokens and white space end a run") {
  const Encoding e = v1.encode_spans("A<mask>CCx<pad");
  CHECK(e.ids == Ids{4100, 2, 4102, 4102, 0});
  CHECK(e.spans == std::vector<Span>{{0, 1}, {1, 7}, {7, 8}, {8, 9}, {9, 14}});
  CHECK(v1.encode("x<cls>y z") == Ids{0, 3, 0, 0});
  CHECK(v1.encode("<eos>") == Ids{0});
  CHECK(v2.encode("<eos>") == Ids{4});
  CHECK(v1.encode("AAA AAA") == Ids{4100, 4100, 4100, 4100, 4100, 4100});
}

TEST_CASE("decoding gives back any ids") {
  CHECK(v1.decode(Ids{737, 4104, 0, 4100}) == "ACGTGTN<unk>A");
  CHECK(v1.decode(Ids{4100, 4}) == "A AAAAAA");
  const KmerTokenizer two(2);
  for (std::uint64_t place = 0; place < 2000; ++place) {
    const RandomStream random{4, 1, place};
    Ids ids(random.below(0, 12));
    for (std::size_t i = 0; i < ids.size(); ++i)
      ids[i] = static_cast<TokenId>(random.below(i + 1, static_cast<std::uint64_t>(two.vocab_size())));
    CAPTURE(two.decode(ids));
    CHECK(two.encode(two.decode(ids)) == ids);
  }
}

TEST_CASE("wrong vocabularies of the k-mer tokenizer are refused") {
  CHECK(message_of([] { KmerTokenizer(1); }) == "kmer tokenizer: k is out of range; expected 2 to 8, found 1");
  const auto with = [](auto change) {
    const Vocabulary usual = KmerTokenizer::nucleotide_transformer_vocabulary(2, Version::v1);
    std::vector<std::string> tokens;
    for (TokenId id = 0; id < usual.size(); ++id) tokens.emplace_back(usual[id]);
    change(tokens);
    return ligase_test::input_error([&] { KmerTokenizer t{Vocabulary(tokens)}; });
  };
  CHECK(with([](auto&) {}) == "no error");
  CHECK(with([](auto& t) { t.pop_back(); }) == "vocabulary: a token is missing; expected N");
  CHECK(with([](auto& t) { t[0] = "<UNK>"; }) == "vocabulary: a token is missing; expected <unk>");
  CHECK(with([](auto& t) { t[5] = "<AT>"; }) == "vocabulary: a k-mer is missing; expected AT");
  CHECK(with([](auto& t) { t.push_back("n"); }).starts_with("vocabulary:26: not a token of this tokenizer"));
}

TEST_CASE("Nucleotide Transformer's vocabularies are the ones made here") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no reference material beside the checkout");
    return;
  }
  for (const Version version : {Version::v1, Version::v2}) {
    const KmerTokenizer t(Vocabulary::read(*shared / "data/tokenizers/nucleotide_transformer" /
                                           (version == Version::v1 ? "vocab_v1.txt" : "vocab_v2.txt")));
    const KmerTokenizer made(6, version);
    REQUIRE(t.vocab_size() == made.vocab_size());
    for (TokenId id = 0; id < t.vocab_size(); ++id) CHECK(t.vocabulary()[id] == made.vocabulary()[id]);
  }
}

TEST_CASE("both original k-mer tokenizers are reproduced on all golden rows") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no reference material beside the checkout");
    return;
  }
  const Json document = parse_json_file(*shared / "reference/golden/tokenizers/nucleotide_transformer_6mer.json");
  const auto rows = require<std::vector<Json>>(document, "rows", "file");
  REQUIRE(rows.size() == 19);
  for (const Json& row : rows)
    for (const Version version : {Version::v1, Version::v2}) {
      CAPTURE(row.dump());
      const std::string v = version == Version::v1 ? "v1" : "v2";
      const auto text = require<std::string>(row, "seq", "row");
      const KmerTokenizer face(6, version), jax(6, version, {.refuse_other = true});
      const EncodeOptions options{.add_special_tokens = true};
      CHECK(encode_with(face, text, options).ids == require<Ids>(row, "hf_" + v + "_ids", "row"));
      const auto expected = optional_field<Ids>(row, v + "_ids", "row");
      if (!expected) {
        CHECK_THROWS_AS(encode_with(jax, text, options), Error);
        continue;
      }
      const Encoding e = encode_with(jax, text, options);
      CHECK(e.ids == *expected);
      const auto names = require<std::vector<std::string>>(row, v + "_tokens", "row");
      REQUIRE(names.size() == e.ids.size());
      for (std::size_t i = 0; i < names.size(); ++i) {
        CHECK(jax.vocabulary()[e.ids[i]] == names[i]);
        if (i > 0) CHECK(text.substr(static_cast<std::size_t>(e.spans[i].begin), names[i].size()) == names[i]);
      }
    }
}
