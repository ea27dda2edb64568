#include <doctest/doctest.h>

#include <ligase/io/json.hpp>
#include <ligase/seq/tokenizer/bpe.hpp>
#include <ligase/seq/tokenizer/bpe_json.hpp>
#include <ligase/seq/tokenizer/bpe_json_write.hpp>

#include <support/errors.hpp>
#include <support/shared.hpp>
#include <unit/seq/tokenizer_test_template.hpp>

#include <optional>
#include <set>

using namespace ligase;
using Ids = std::vector<TokenId>;

namespace {

/// Letters and the products of merges, ids in that order after the specials.
BpeDefinition small_definition(std::vector<BpeMerge> merges, std::string_view letters = "ACGT") {
  BpeDefinition d;
  d.unknown = "[UNK]";
  for (const char* name : {"[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"}) {
    d.added.push_back({static_cast<TokenId>(d.vocabulary.size()), name});
    d.vocabulary.push_back({static_cast<TokenId>(d.vocabulary.size()), name});
  }
  for (const char c : letters) d.vocabulary.push_back({static_cast<TokenId>(d.vocabulary.size()), std::string(1, c)});
  std::set<std::string> known;
  for (const BpeToken& t : d.vocabulary) known.insert(t.text);
  for (const auto& [a, b] : merges)
    if (known.insert(a + b).second) d.vocabulary.push_back({static_cast<TokenId>(d.vocabulary.size()), a + b});
  d.merges = std::move(merges);
  d.single = {{"[CLS]"}, {"A", true}, {"[SEP]"}};
  return d;
}

/// The definition of the algorithm: lowest rank, leftmost, one at a time.
std::vector<std::string> by_definition(const std::vector<BpeMerge>& merges, std::vector<std::string> parts) {
  for (;;) {
    std::size_t best = merges.size(), where = 0;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i)
      for (std::size_t r = 0; r < best; ++r)
        if (merges[r].first == parts[i] && merges[r].second == parts[i + 1]) best = r, where = i;
    if (best == merges.size()) return parts;
    parts[where] += parts[where + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(where) + 1);
  }
}

std::vector<std::string> texts(const BpeTokenizer& t, std::string_view text) {
  std::vector<std::string> tokens;
  for (const TokenId id : t.encode(text)) tokens.push_back(t.token(id));
  return tokens;
}

std::vector<std::string> letters_of(std::string_view text) {
  std::vector<std::string> letters;
  for (const char c : text) letters.emplace_back(1, c);
  return letters;
}

/// Random merges: `ordered` ones only use parts that exist by then, each product once.
std::vector<BpeMerge> random_merges(std::uint64_t seed, bool ordered) {
  const RandomStream random{seed, 0, 1};
  std::vector<std::string> parts{"A", "C", "G"};
  std::vector<BpeMerge> merges;
  std::set<BpeMerge> known;
  std::set<std::string> products;
  for (std::uint64_t i = 0; i < 200 && merges.size() < 24; ++i) {
    BpeMerge m{parts[random.below(2 * i, parts.size())], parts[random.below(2 * i + 1, parts.size())]};
    const std::string product = m.first + m.second;
    if (product.size() > 8 || !known.insert(m).second) continue;
    if (ordered && products.contains(product)) continue;
    if (products.insert(product).second) parts.push_back(product);
    merges.push_back(std::move(m));
  }
  if (!ordered)
    for (std::size_t i = merges.size(); i > 1; --i) std::swap(merges[i - 1], merges[random.below(1000 + i, i)]);
  return merges;
}

std::optional<BpeTokenizer> dnabert2() {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no reference material beside the checkout");
    return std::nullopt;
  }
  return read_bpe_tokenizer(*shared / "data/tokenizers/dnabert2/tokenizer.json");
}

}  // namespace

template <>
struct ligase_test::TokenizerUnderTest<BpeTokenizer> {
  static std::vector<BpeTokenizer> make() {
    std::vector<BpeTokenizer> all;
    all.emplace_back(small_definition({}));
    all.emplace_back(small_definition({{"A", "A"}, {"C", "G"}, {"AA", "CG"}, {"T", "AA"}, {"TAA", "TAA"}}));
    BpeDefinition backwards = small_definition({{"AC", "G"}, {"A", "C"}, {"C", "G"}, {"A", "CG"}});
    backwards.fuse_unknown = true;
    all.emplace_back(backwards);
    BpeDefinition whole = small_definition({{"A", "C"}});
    whole.words = BpeDefinition::Words::whole;
    whole.ignore_merges = true;
    all.emplace_back(whole);
    return all;
  }
  static constexpr bool keeps_text = false;
};
TYPE_TO_STRING(BpeTokenizer);
TEST_CASE_TEMPLATE_INVOKE(tokenizer_concept, BpeTokenizer);

TEST_CASE("merging is lowest rank first, leftmost of equals, for any list of merges") {
  int regular = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const std::vector<BpeMerge> merges = random_merges(seed, seed % 2 == 0);
    const BpeDefinition d = small_definition(merges, "ACG");
    const BpeTokenizer t(d);
    const detail::BpeModel model(d.vocabulary, merges, BpeLetters::characters, "test");
    regular += model.regular();
    for (const std::size_t length : {1U, 2U, 3U, 7U, 20U, 60U}) {
      const std::string text = ligase_test::random_letters("ACG", length, 100 * seed + length);
      CAPTURE(seed);
      CAPTURE(text);
      CHECK(texts(t, text) == by_definition(merges, letters_of(text)));
      std::vector<detail::BpeModel::Slot> queued;
      for (const char c : text) queued.push_back(model.letter(c));
      detail::merge_by_queue(model, queued);
      std::vector<std::string> tokens;
      for (const auto slot : queued) tokens.push_back(model.token(slot).text);
      CHECK(texts(t, text) == tokens);
    }
  }
  CHECK(regular >= 150);  // those that are made in order
  CHECK(regular < 290);
}

TEST_CASE("a vocabulary in which longer tokens are never made by themselves") {
  // ABC comes from A+BC, but AB is merged first: ABC is never in an encoding.
  const std::vector<BpeMerge> merges{{"A", "C"}, {"C", "G"}, {"A", "CG"}, {"AC", "GT"}, {"G", "T"}};
  const BpeTokenizer t(small_definition(merges));
  CHECK(texts(t, "ACG") == std::vector<std::string>{"AC", "G"});
  for (const std::string text : {"ACGT", "CGACGT", "GACGACGTT"})
    CHECK(texts(t, text) == by_definition(merges, letters_of(text)));
}

TEST_CASE("words, unknown letters, added tokens and their spans") {
  const BpeTokenizer t(small_definition({{"A", "C"}, {"AC", "G"}}));
  const TokenId a = 5, c = 6, g = 7, ac = 9, acg = 10;
  CHECK(t.encode("ACG ACG\tAC\nA") == Ids{acg, acg, ac, a});
  CHECK(t.encode("ACNACG") == Ids{ac, 0, acg});
  CHECK(t.encode("nnA--G\xC3\xA9 \xE2\x82") == Ids{0, 0, a, 0, 0, g, 0, 0, 0});
  CHECK(t.encode("A[MASK]CG[CLS][SEP") == Ids{a, 4, c, g, 1, 0, 0, 0, 0});
  CHECK(t.encode("[UNK][[PAD]]") == Ids{0, 0, 3, 0});
  CHECK(t.encode(" ").empty());
  // No-break space (U+00A0) is white space, U+00B2 (superscript two) no word character.
  CHECK(t.encode("A\xC2\xA0"
                 "C") == Ids{a, c});

  const Encoding e = t.encode_spans(" ACGNA [MASK]C\xC3\xA9");
  CHECK(e.ids == Ids{acg, 0, a, 4, c, 0});
  CHECK(e.spans == std::vector<Span>{{1, 4}, {4, 5}, {5, 6}, {7, 13}, {13, 14}, {14, 16}});
  CHECK(t.decode(e.ids) == "ACG[UNK]A[MASK]C[UNK]");
  CHECK(t.prefix() == Ids{1});
  CHECK(t.suffix() == Ids{2});
  CHECK(t.pad_id() == 3);
  CHECK(t.mask_id() == 4);
  CHECK(t.cls_id() == 1);
  CHECK(t.sep_id() == 2);
  const Encoding whole = encode_with(t, "ACGACG", {.max_length = 4, .pad = true, .add_special_tokens = true});
  CHECK(whole.ids == Ids{1, acg, acg, 2});
  CHECK(encode_with(t, "A", {.max_length = 4, .pad = true, .add_special_tokens = true}).ids == Ids{1, a, 2, 3});

  BpeDefinition fused = small_definition({{"A", "C"}});
  fused.fuse_unknown = true;
  const Encoding f = BpeTokenizer(fused).encode_spans("ANNNC nn-A");
  CHECK(f.ids == Ids{a, 0, c, 0, 0, a});
  CHECK(f.spans == std::vector<Span>{{0, 1}, {1, 4}, {4, 5}, {6, 8}, {8, 9}, {9, 10}});

  BpeDefinition strict = small_definition({{"A", "C"}});
  strict.unknown.reset();
  CHECK(
      ligase_test::input_error([&] { BpeTokenizer(strict).encode("AC AN"); }) ==
      "bpe tokenizer, byte 4 of the text: a letter is not in the vocabulary, which has no unknown token; found \"N\"");
}

TEST_CASE("added tokens: the longest of the leftmost, normalized ones afterwards; ids may have gaps") {
  BpeDefinition d = small_definition({});
  d.added.push_back({70, "[MASK]A"});
  d.added.push_back({90, "CC", false, true});
  const BpeTokenizer t(d);
  CHECK(t.vocab_size() == 91);
  CHECK(t.encode("[MASK]ACCC[MASK]C") == Ids{70, 90, 6, 4, 6});
  CHECK(t.decode(Ids{70, 90}) == "[MASK]ACC");
  CHECK(ligase_test::input_error([&] { t.decode(Ids{71}); }) ==
        "bpe tokenizer: no such token; expected an id of the vocabulary, up to 90, found 71");
}

TEST_CASE("definitions that contradict themselves are refused") {
  const auto message = [](const BpeDefinition& d) {
    return ligase_test::input_error([&] { BpeTokenizer{d, "file"}; });
  };
  BpeDefinition d = small_definition({{"A", "C"}});
  d.merges.push_back({"A", "G"});
  CHECK(message(d) == "file: merge 1: its product is not in the vocabulary; expected a token, found \"AG\"");
  d.merges.back() = {"N", "G"};
  CHECK(message(d) == "file: merge 1: its left part is not in the vocabulary; expected a token, found \"N\"");
  d.merges.back() = {"A", ""};
  CHECK(message(d) == "file: merge 1: its right part is not in the vocabulary; expected a token, found \"\"");
  d = small_definition({});
  d.vocabulary.push_back({4, "GG"});
  CHECK(message(d) == "file: two tokens have the same id; found \"[MASK]\" and \"GG\" with id 4");
  d.vocabulary.back() = {44, "A"};
  CHECK(message(d) == "file: the token \"A\" stands twice");
  d.vocabulary.back() = {44, ""};
  CHECK(message(d) == "file: a token is empty; expected at least one letter, found id 44");
  d.vocabulary.back() = {-1, "GG"};
  CHECK(message(d) == "file: the id of token \"GG\" is out of range; expected 0 to 2147483646, found -1");
  d = small_definition({});
  d.unknown = "?";
  CHECK(message(d) == "file: the unknown token is not in the vocabulary; found \"?\"");
  d = small_definition({{"A", "C"}});
  d.unknown = "A";
  CHECK(message(d) == "file: a merge has to do with the unknown token; expected merges of other tokens, found \"A\"");
  d = small_definition({});
  d.added.push_back({99, "A"});
  CHECK(message(d) == "file: an added token has another id in the vocabulary; found \"A\" with id 99");
  d.added.back() = {2, "GG"};
  CHECK(message(d).starts_with("file: two tokens have the same id"));
  d = small_definition({});
  d.single = {{"[CLS]"}};
  CHECK(message(d) == "file: the template for one text has no sequence A");
  d.single = {{"[CLX]"}, {"A", true}};
  CHECK(message(d) == "file: the template names a token outside the vocabulary; found \"[CLX]\"");
}

TEST_CASE("a merge that stands twice counts at its last place") {
  const BpeTokenizer t(small_definition({{"A", "C"}, {"C", "G"}, {"A", "C"}}));
  CHECK(texts(t, "ACG") == std::vector<std::string>{"A", "CG"});
}

TEST_CASE("DNABERT-2's tokenizer agrees with all golden rows, with exact spans") {
  const auto t = dnabert2();
  if (!t) return;
  CHECK(t->vocab_size() == 4096);
  CHECK(t->encode("ACGTAGCATCGGATCTATCTATCGACACTTGGTTATCGATCTACGAGCATCTCGTTAGC") ==
        Ids{5, 194, 32, 757, 1239, 2092, 294, 24, 359, 88, 93, 32, 75, 77, 19});
  const auto golden = parse_json_file(*ligase_test::shared() / "reference/golden/tokenizers/dnabert2_bpe.json");
  const auto rows = require<std::vector<Json>>(golden, "rows", "golden");
  REQUIRE(rows.size() == 22);
  for (const Json& row : rows) {
    const auto text = require<std::string>(row, "seq", "row");
    CAPTURE(text);
    const Encoding e = encode_with(*t, text, {.add_special_tokens = true});
    CHECK(e.ids == require<Ids>(row, "ids", "row"));
    std::vector<std::string> tokens;
    for (std::size_t i = 1; i + 1 < e.ids.size(); ++i) {
      tokens.push_back(t->token(e.ids[i]));
      const auto [begin, end] = e.spans[i];
      const std::string_view span(text.data() + begin, static_cast<std::size_t>(end - begin));
      CHECK((e.ids[i] == t->unk_id() || span == tokens.back()));
      if (text.find(' ') == std::string::npos) CHECK(begin == e.spans[i - 1].end);
    }
    CHECK(tokens == require<std::vector<std::string>>(row, "tokens", "row"));
  }
}

TEST_CASE("from left to right and by the queue give the same on the real vocabulary, for one long word") {
  const auto t = dnabert2();
  if (!t) return;
  const BpeDefinition d = t->definition();
  const detail::BpeModel model(d.vocabulary, d.merges, BpeLetters::characters, "test");
  REQUIRE(model.regular());
  for (const std::string_view alphabet : {"ACGT", "AT", "A", "ACC"}) {
    const std::string text = ligase_test::random_letters(alphabet, 200'000, alphabet.size());
    std::vector<detail::BpeModel::Slot> queued;
    for (const char c : text) queued.push_back(model.letter(c));
    detail::merge_by_queue(model, queued);
    Ids ids;
    for (const auto slot : queued) ids.push_back(model.token(slot).id);
    CHECK(t->encode(text) == ids);
    CHECK(t->decode(ids) == text);
  }
}
