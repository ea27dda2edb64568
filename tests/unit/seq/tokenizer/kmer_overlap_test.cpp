#include <doctest/doctest.h>

#include <ligase/io/json.hpp>
#include <ligase/seq/tokenizer/kmer_overlap.hpp>

#include <support/errors.hpp>
#include <support/shared.hpp>
#include <unit/seq/tokenizer_test_template.hpp>

#include <set>

using namespace ligase;
using Ids = std::vector<TokenId>;

namespace {

const OverlappingKmerTokenizer three(3), six(6);

/// DNABERT's tokens in the reverse of its order: ids that only the file knows.
Vocabulary reversed_vocabulary() {
  const Vocabulary usual = OverlappingKmerTokenizer::dnabert_vocabulary(3);
  std::vector<std::string> tokens{"[unused]"};
  for (auto id = static_cast<TokenId>(usual.size()); id-- > 0;) tokens.emplace_back(usual[id]);
  return Vocabulary(tokens);
}

std::string message_of(const auto& action) { return ligase_test::error_of(action).what(); }

}  // namespace

template <>
struct ligase_test::TokenizerUnderTest<OverlappingKmerTokenizer> {
  static std::vector<OverlappingKmerTokenizer> make() {
    return {OverlappingKmerTokenizer(3), OverlappingKmerTokenizer(4, {.upper_case = true}), OverlappingKmerTokenizer(6),
            OverlappingKmerTokenizer(8), OverlappingKmerTokenizer(reversed_vocabulary())};
  }
  static Index overlap(const OverlappingKmerTokenizer& t) { return t.k() - 1; }
  static constexpr bool keeps_text = false;
};
TYPE_TO_STRING(OverlappingKmerTokenizer);
TEST_CASE_TEMPLATE_INVOKE(tokenizer_concept, OverlappingKmerTokenizer);

TEST_CASE("overlapping k-mers get DNABERT's ids") {
  CHECK(three.vocab_size() == 69);
  CHECK(six.vocab_size() == 4101);
  CHECK(OverlappingKmerTokenizer(8).vocab_size() == 65541);
  CHECK(six.name() == "kmer-overlap:6");
  CHECK(three.encode("AAATG") == Ids{5, 6, 12});
  CHECK(three.encode("ACGTGTACNTG") == Ids{16, 50, 60, 34, 57, 23, 1, 1, 1});
  CHECK(three.encode("acgtACGTacgt") == Ids{1, 1, 1, 1, 16, 50, 1, 1, 1, 1});
  CHECK(three.encode("NNNNNNACGTNN") == Ids{1, 1, 1, 1, 1, 1, 16, 50, 1, 1});
  CHECK(three.encode("AC").empty());
  CHECK(three.encode("N").empty());
  CHECK(six.encode("TATAAAAGG") == Ids{1093, 261, 1032, 20});
  CHECK(encode_with(six, "TATAAAAGG", {.max_length = 5, .add_special_tokens = true}).ids == Ids{2, 1093, 261, 1032, 3});
  CHECK(encode_with(six, "A", {.max_length = 4, .pad = true, .add_special_tokens = true}).ids == Ids{2, 3, 0, 0});
}

TEST_CASE("a rule reads lower case as upper") {
  const OverlappingKmerTokenizer t(3, {.upper_case = true});
  CHECK(t.encode("acgtACGTn") == three.encode("ACGTACGTN"));
}

TEST_CASE("k-mers with spaces between them are the original's own input") {
  CHECK(three.encode("ACG CGT GTG\nTGC") == three.encode("ACGTGC"));
  CHECK(three.encode("ACGTAC GT") == three.encode("ACGTAC"));
  CHECK(three.encode("[CLS] ACG [MASK] GTG [SEP]") == Ids{2, 16, 4, 60, 3});
  const Encoding e = three.encode_spans("ACGT[MASK]CCCC");
  CHECK(e.ids == Ids{16, 50, 4, 47, 47});
  CHECK(e.spans == std::vector<Span>{{0, 3}, {1, 4}, {4, 10}, {10, 13}, {11, 14}});
  CHECK(three.encode("[MASKACG") == Ids{1, 1, 1, 1, 1, 16});
}

TEST_CASE("decoding joins what goes on and parts what does not") {
  CHECK(three.decode(three.encode("ACGTAC")) == "ACGTAC");
  CHECK(three.decode(three.encode("ACGRTAC")) == "ACGNTAC");
  CHECK(three.decode(three.encode("NACG")) == "NACG");
  CHECK(three.decode(Ids{2, 16, 50, 3}) == "[CLS]ACGT[SEP]");
  CHECK(three.decode(Ids{16, 47}) == "ACG CCC");
  CHECK(three.decode(Ids{1}) == "NNN");
  // Any ids at all: 2,000 sequences of random tokens, special ones among them.
  for (std::uint64_t place = 0; place < 2000; ++place) {
    const RandomStream random{3, 1, place};
    Ids ids(random.below(0, 12));
    for (std::size_t i = 0; i < ids.size(); ++i)
      ids[i] = static_cast<TokenId>(place % 2 ? random.below(i + 1, 69)
                                              : std::array{1U, 5U, 6U, 8U, 20U, 26U, 4U}[random.below(i + 1, 7)]);
    CAPTURE(three.decode(ids));
    CHECK(three.encode(three.decode(ids)) == ids);
  }
}

TEST_CASE("the complement of a k-mer is the id of its reverse complement") {
  CHECK(three.complement(16) == three.encode("CGT")[0]);
  for (const int k : {3, 4, 5, 6, 7, 8}) {
    const OverlappingKmerTokenizer t(k);
    std::set<TokenId> images;
    for (TokenId id = 0; id < t.vocab_size(); ++id) {
      images.insert(t.complement(id));
      if (id >= 5) CHECK(t.decode(Ids{t.complement(id)}) == reverse_complement(t.decode(Ids{id})));
    }
    CHECK(static_cast<Index>(images.size()) == t.vocab_size());
  }
}

TEST_CASE("wrong k-mer vocabularies are refused with file and line") {
  CHECK(message_of([] { OverlappingKmerTokenizer(2); }) ==
        "kmer-overlap tokenizer: k is out of range; expected 3 to 8, found 2");
  CHECK(message_of([] { OverlappingKmerTokenizer(9); }).ends_with("found 9"));
  const auto with = [](auto change) {
    const Vocabulary usual = OverlappingKmerTokenizer::dnabert_vocabulary(3);
    std::vector<std::string> tokens;
    for (TokenId id = 0; id < usual.size(); ++id) tokens.emplace_back(usual[id]);
    change(tokens);
    return ligase_test::input_error([&] { OverlappingKmerTokenizer t{Vocabulary(tokens)}; });
  };
  CHECK(with([](auto&) {}) == "no error");
  CHECK(with([](auto& t) { t.pop_back(); }) == "vocabulary: a k-mer is missing; expected GGG");
  CHECK(
      with([](auto& t) { t.push_back("ACGT"); }).starts_with("vocabulary:6: k-mers of different lengths; expected 4"));
  CHECK(with([](auto& t) { t.push_back("ACN"); }) ==
        "vocabulary:70: not a token of this tokenizer; expected a k-mer over A C G T or a special token, found 'ACN'");
  CHECK(with([](auto& t) { t[4] = "[mask]"; }) == "vocabulary: a token is missing; expected [MASK]");
  CHECK(with([](auto& t) { t.push_back("ACGTACGTA"); }).starts_with("vocabulary: not a vocabulary of k-mers"));
  CHECK(with([](auto& t) { t.resize(5); }).starts_with("vocabulary: not a vocabulary of k-mers"));
  CHECK(with([](auto& t) { t.push_back("ACG"); }) ==
        "vocabulary:70: a token stands twice; expected every token once, found 'ACG' as in line 17");
}

TEST_CASE("DNABERT's own vocabulary files are the ones made here") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no reference material beside the checkout");
    return;
  }
  for (const int k : {3, 4, 5, 6}) {
    const OverlappingKmerTokenizer t(
        Vocabulary::read(*shared / "data/tokenizers/dnabert" / ("vocab_k" + std::to_string(k) + ".txt")));
    const OverlappingKmerTokenizer made(k);
    REQUIRE(t.k() == k);
    REQUIRE(t.vocab_size() == made.vocab_size());
    for (TokenId id = 0; id < t.vocab_size(); ++id) CHECK(t.vocabulary()[id] == made.vocabulary()[id]);
  }
}

TEST_CASE("BertTokenizer with DNABERT's vocabulary is reproduced on all golden rows") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no reference material beside the checkout");
    return;
  }
  const Json document = parse_json_file(*shared / "reference/golden/tokenizers/dnabert_kmer.json");
  const auto rows = require<std::vector<Json>>(document, "rows", "file");
  REQUIRE(rows.size() == 76);
  for (const Json& row : rows) {
    CAPTURE(row.dump());
    const OverlappingKmerTokenizer t(static_cast<int>(require<Index>(row, "k", "row")));
    const auto text = require<std::string>(row, "seq", "row");
    const Encoding e = encode_with(t, text, {.add_special_tokens = true});
    CHECK(e.ids == require<Ids>(row, "ids", "row"));
    CHECK(encode_with(t, text, {.max_length = 12, .add_special_tokens = true}).ids ==
          require<Ids>(row, "ids_trunc12", "row"));
    const auto kmers = require<std::vector<std::string>>(row, "kmers", "row");
    REQUIRE(kmers.size() + 2 == e.ids.size());
    for (std::size_t i = 0; i < kmers.size(); ++i) {
      const Span s = e.spans[i + 1];
      CHECK(text.substr(static_cast<std::size_t>(s.begin), static_cast<std::size_t>(s.end - s.begin)) == kmers[i]);
    }
  }
}
