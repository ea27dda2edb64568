#include <doctest/doctest.h>

#include <ligase/io/json.hpp>
#include <ligase/seq/tokenizer/bpe.hpp>
#include <ligase/seq/tokenizer/bpe_train.hpp>

#include <support/errors.hpp>
#include <support/shared.hpp>
#include <unit/seq/tokenizer_test_template.hpp>

#include <map>
#include <set>

using namespace ligase;

namespace {

/// The rules once more, word by word: sets of words, every word scanned from the left.
struct ByWords {
  struct Entry {
    std::int64_t count;
    std::pair<int, int> pair;
    std::set<std::size_t> words;
  };
  std::vector<std::string> vocabulary;
  std::vector<BpeMerge> merges;

  ByWords(const BpeWordCounts& counts, const BpeTrainingOptions& options) {
    std::map<std::string, int> ids;
    const auto name = [&](const std::string& text) {
      if (ids.emplace(text, static_cast<int>(vocabulary.size())).second) vocabulary.push_back(text);
      return ids[text];
    };
    for (const std::string& token : options.special_tokens) name(token);
    std::set<char> alphabet;
    for (const auto& [word, count] : counts) alphabet.insert(word.begin(), word.end());
    for (const char c : alphabet) name(std::string(1, c));
    std::vector<std::vector<std::pair<int, Index>>> words;  // id, letters
    std::vector<std::int64_t> weights;
    std::map<std::pair<int, int>, std::int64_t> pairs;
    std::map<std::pair<int, int>, std::set<std::size_t>> where;
    for (const auto& [word, count] : counts) {
      words.emplace_back();
      weights.push_back(count);
      for (const char c : word) words.back().emplace_back(ids[std::string(1, c)], 1);
      for (std::size_t i = 0; i + 1 < words.back().size(); ++i) {
        const std::pair pair(words.back()[i].first, words.back()[i + 1].first);
        pairs[pair] += count;
        where[pair].insert(words.size() - 1);
      }
    }
    std::vector<Entry> queue;
    for (const auto& [pair, set] : where)
      if (pairs[pair] > 0) queue.push_back({pairs[pair], pair, set});
    const Index limit = options.max_token_length.value_or(1 << 30);
    while (static_cast<Index>(vocabulary.size()) < options.vocab_size && !queue.empty()) {
      const auto top = std::min_element(queue.begin(), queue.end(), [](const Entry& a, const Entry& b) {
        return a.count != b.count ? a.count > b.count : a.pair < b.pair;
      });
      if (top->count != pairs[top->pair]) {
        top->count = pairs[top->pair];
        continue;
      }
      if (top->count < 1 || top->count < options.min_frequency) break;
      const Entry entry = *top;
      queue.erase(top);
      const auto [left, right] = entry.pair;
      merges.emplace_back(vocabulary[static_cast<std::size_t>(left)], vocabulary[static_cast<std::size_t>(right)]);
      const int product = name(merges.back().first + merges.back().second);
      std::map<std::pair<int, int>, std::set<std::size_t>> touched;
      for (const std::size_t w : entry.words) {
        auto& word = words[w];
        const auto change = [&](int a, int b, std::int64_t sign) {
          pairs[{a, b}] += sign * weights[w];
          if (sign > 0) touched[{a, b}].insert(w);
        };
        for (std::size_t i = 0; i + 1 < word.size(); ++i) {
          if (word[i].first != left || word[i + 1].first != right) continue;
          const Index letters = word[i].second + word[i + 1].second;
          if (i > 0) {
            change(word[i - 1].first, left, -1);
            if (word[i - 1].second + letters < limit) change(word[i - 1].first, product, 1);
          }
          word[i] = {product, letters};
          word.erase(word.begin() + static_cast<std::ptrdiff_t>(i) + 1);
          if (i + 1 < word.size()) {
            change(right, word[i + 1].first, -1);
            if (word[i + 1].second + letters < limit) change(product, word[i + 1].first, 1);
          }
        }
      }
      for (const auto& [pair, set] : touched)
        if (pairs[pair] > 0) queue.push_back({pairs[pair], pair, set});
    }
  }
};

std::vector<std::string> names(const BpeDefinition& d) {
  std::vector<std::string> texts;
  for (const BpeToken& token : d.vocabulary) texts.push_back(token.text);
  return texts;
}

}  // namespace

TEST_CASE("the example of the original's own unit test") {
  const BpeWordCounts words{{"roses", 1}, {"are", 2}, {"red", 1}, {"voilets", 1}, {"blue", 1}, {"BERT", 1},
                            {"is", 2},    {"big", 1}, {"and", 1}, {"so", 1},      {"GPT-2", 1}};
  const BpeDefinition d = train_bpe(words, {.vocab_size = 30000, .min_frequency = 2, .special_tokens = {}});
  CHECK(d.merges == std::vector<BpeMerge>{{"r", "e"}, {"a", "re"}, {"i", "s"}});
  CHECK(names(d) == std::vector<std::string>{"-", "2", "B", "E", "G", "P", "R", "T", "a", "b",  "d",   "e", "g",
                                             "i", "l", "n", "o", "r", "s", "t", "u", "v", "re", "are", "is"});
}

TEST_CASE("training agrees with the rules written down word by word") {
  for (std::uint64_t seed = 0; seed < 250; ++seed) {
    const RandomStream random{seed, 0, 2};
    BpeWordCounts words;
    const auto count = 1 + random.below(0, 12);
    const std::string_view alphabet = seed % 3 == 0 ? "A" : seed % 3 == 1 ? "AC" : "ACGT";
    for (std::uint64_t w = 0; w < count; ++w)
      words[ligase_test::random_letters(alphabet, 1 + random.below(10 + w, 60), 1000 * seed + w)] +=
          1 + static_cast<std::int64_t>(random.below(100 + w, 4));
    BpeTrainingOptions options{.vocab_size = static_cast<Index>(10 + random.below(1, 120)),
                               .min_frequency = static_cast<std::int64_t>(random.below(2, 4))};
    if (seed % 2 == 0) options.max_token_length = static_cast<Index>(2 + random.below(3, 9));
    if (seed % 5 == 0) options.special_tokens = {"[UNK]", "AC", "A", "CAC"};
    CAPTURE(seed);
    const ByWords expected(words, options);
    const BpeDefinition found = train_bpe(words, options);
    CHECK(found.merges == expected.merges);
    CHECK(names(found) == expected.vocabulary);
  }
}

TEST_CASE("counts have 64 bits") {
  const std::int64_t many = std::int64_t{1} << 40;
  const BpeDefinition d =
      train_bpe({{"AC", many}, {"CG", many + 1}, {"GG", 7}}, {.vocab_size = 10, .special_tokens = {}});
  CHECK(d.merges == std::vector<BpeMerge>{{"C", "G"}, {"A", "C"}, {"G", "G"}});
}

TEST_CASE("training refuses what is no text, and gives a tokenizer of DNABERT-2's shape") {
  CHECK(ligase_test::input_error([] {
          train_bpe({{"A\xFF", 1}});
        }) == "BPE training: a word is not UTF-8; found \"\xFF\"");
  CHECK(ligase_test::input_error([] {
          train_bpe({{"A", -1}});
        }) == "BPE training: a word has a negative count; found \"A\"");
  BpeWordCounts words;
  count_words("ACGT ACG-ACGT \n", words);
  CHECK(words == BpeWordCounts{{"-", 1}, {"ACG", 1}, {"ACGT", 2}});
  const BpeTokenizer t(train_bpe(words));
  CHECK(t.vocab_size() == 5 + 5 + 3);
  CHECK(t.encode("ACGTACG N") == std::vector<TokenId>{12, 11, 0});
  CHECK(t.prefix() == std::vector<TokenId>{1});
  CHECK(t.suffix() == std::vector<TokenId>{2});
  CHECK(train_bpe({}).vocabulary.size() == 5);
}

TEST_CASE("training agrees with all golden cases") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no reference material beside the checkout");
    return;
  }
  const auto path = *shared / "reference/golden/tokenizers/bpe_training.json";
  const auto cases = require<std::vector<Json>>(parse_json_file(path), "cases", path.string());
  REQUIRE(cases.size() == 3);
  for (const Json& c : cases) {
    BpeWordCounts words;
    for (const auto& text : require<std::vector<std::string>>(c, "sequences", "case")) count_words(text, words);
    const BpeDefinition d =
        train_bpe(words, {.vocab_size = require<Index>(c, "vocab_size", "case"),
                          .min_frequency = require<std::int64_t>(c, "min_frequency", "case"),
                          .special_tokens = require<std::vector<std::string>>(c, "special_tokens", "case"),
                          .max_token_length = optional_field<Index>(c, "max_token_length", "case")});
    CHECK(names(d) == require<std::vector<std::string>>(c, "vocab_in_id_order", "case"));
    std::vector<BpeMerge> merges;
    for (const auto& merge : require<std::vector<std::vector<std::string>>>(c, "merges", "case"))
      merges.emplace_back(merge.at(0), merge.at(1));
    CHECK(d.merges == merges);
  }
}
