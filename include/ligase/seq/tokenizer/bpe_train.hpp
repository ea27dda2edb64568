#pragma once

#include <ligase/core/error.hpp>
#include <ligase/seq/tokenizer/bpe_definition.hpp>
#include <ligase/seq/tokenizer/bpe_table.hpp>
#include <ligase/seq/tokenizer/bpe_text.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// Words and how often each occurs.
using BpeWordCounts = std::map<std::string, std::int64_t, std::less<>>;

/// Adds the words of a text (pre-tokenizer Whitespace).
inline void count_words(std::string_view text, BpeWordCounts& counts) {
  detail::split_whitespace(text, 0, text.size(), [&](std::size_t begin, std::size_t end) {
    const std::string_view word = text.substr(begin, end - begin);
    if (const auto known = counts.find(word); known != counts.end())
      ++known->second;
    else
      counts.emplace(word, 1);
  });
}

struct BpeTrainingOptions {
  Index vocab_size = 4096;
  std::int64_t min_frequency = 0;  ///< stops at the first pair that is rarer
  std::vector<std::string> special_tokens = {"[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"};
  std::optional<Index> max_token_length = {};  ///< letters; only pairs of two single letters may reach it
};

namespace detail {

/// The words' letters one after the other, with a gap around each word. The first and last letter of a symbol hold its
/// token, letters inside hold none.
class BpeTrainer {
 public:
  using Token = std::int32_t;
  using Place = std::uint32_t;
  static constexpr Token none = -1;

  explicit BpeTrainer(const BpeTrainingOptions& options) : options_(options) {}

  void read(const BpeWordCounts& words) {
    for (const std::string& token : options_.special_tokens) {
      if (token.empty()) refuse("a special token is empty");
      Index letters = 0;
      for_letters(token, [&](std::int32_t, std::string_view) { ++letters; });
      name(token, letters);
    }
    std::set<std::int32_t> alphabet;
    std::size_t letters = 1;
    for (const auto& [word, count] : words) {
      if (count < 0) refuse("a word has a negative count", "\"" + word.substr(0, 60) + "\"");
      ++letters;
      for_letters(word, [&](std::int32_t code, std::string_view) {
        alphabet.insert(code);
        ++letters;
      });
    }
    if (letters >= std::numeric_limits<Place>::max())
      refuse("the words have too many letters", std::to_string(letters));
    std::unordered_map<std::int32_t, Token> letter_tokens;
    for (const std::int32_t code : alphabet) letter_tokens.emplace(code, name(utf8(code), 1));
    symbols_.reserve(letters);
    symbols_.push_back(none);
    for (const auto& [word, count] : words) {
      starts_.push_back(static_cast<Place>(symbols_.size()));
      counts_.push_back(count);
      for_letters(word, [&](std::int32_t code, std::string_view) { symbols_.push_back(letter_tokens.at(code)); });
      symbols_.push_back(none);
    }
    count_pairs();
  }

  void train() {
    while (std::cmp_less(texts_.size(), options_.vocab_size) && !queue_.empty()) {
      Entry top = queue_.top();
      queue_.pop();
      Pair& pair = pairs_[static_cast<std::size_t>(top.pair)];
      if (top.count != pair.count) {
        top.count = pair.count;
        queue_.push(top);
        continue;
      }
      if (top.count < 1 || top.count < options_.min_frequency) return;
      const Token left = pair.left, right = pair.right;
      const std::vector<Place> places = std::exchange(pair.places, {});
      const auto text = [&](Token t) { return texts_[static_cast<std::size_t>(t)]; };
      merges_.emplace_back(text(left), text(right));
      merge_everywhere(left, right, name(text(left) + text(right), length(left) + length(right)), places);
    }
  }

  const std::vector<std::string>& texts() const { return texts_; }
  std::vector<BpeMerge>& merges() { return merges_; }

 private:
  /// Two tokens, how often they stand side by side, and where, in ascending order: some places may be out of date. All
  /// places of a pair arise in one merge (or are there at the beginning): between two boundaries a text is merged as it
  /// is by itself, so no text becomes a token by a second merge. Hence one entry in the queue for each pair.
  struct Pair {
    Token left, right;
    std::int64_t count = 0;
    std::vector<Place> places = {};
  };
  struct Entry {
    std::int64_t count;
    Token left, right;
    std::int32_t pair;
    bool operator<(const Entry& other) const {
      if (count != other.count) return count < other.count;
      return std::pair(left, right) > std::pair(other.left, other.right);
    }
  };

  [[noreturn]] static void refuse(const char* what, std::string found = {}) {
    throw Error{{.kind = ErrorKind::input, .what = what, .where = "BPE training", .found = std::move(found)}};
  }
  static std::string utf8(std::int32_t code) {
    const auto c = static_cast<std::uint32_t>(code);
    const auto byte = [](std::uint32_t b) { return static_cast<char>(static_cast<unsigned char>(b)); };
    if (c < 0x80) return {byte(c)};
    if (c < 0x800) return {byte(0xC0 | c >> 6), byte(0x80 | (c & 63))};
    if (c < 0x10000) return {byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 63)), byte(0x80 | (c & 63))};
    return {byte(0xF0 | c >> 18), byte(0x80 | (c >> 12 & 63)), byte(0x80 | (c >> 6 & 63)), byte(0x80 | (c & 63))};
  }
  template <class Use>
  static void for_letters(std::string_view word, Use&& use) {
    while (!word.empty()) {
      const Character c = first_character(word);
      if (c.code < 0) refuse("a word is not UTF-8", "\"" + std::string(word.substr(0, 20)) + "\"");
      use(c.code, word.substr(0, c.bytes));
      word.remove_prefix(c.bytes);
    }
  }

  /// Token of the text, a new one where there is none.
  Token name(const std::string& text, Index letters) {
    const auto [place, is_new] = ids_.emplace(text, static_cast<Token>(texts_.size()));
    if (is_new) {
      texts_.push_back(text);
      lengths_.push_back(static_cast<Place>(letters));
    }
    return place->second;
  }
  Place length(Token t) const { return lengths_[static_cast<std::size_t>(t)]; }

  std::int32_t pair_of(Token left, Token right) {
    const std::int32_t known = numbers_.find(left, right);
    if (known >= 0) return known;
    const auto number = static_cast<std::int32_t>(pairs_.size());
    numbers_.insert(left, right, number);
    pairs_.push_back({left, right});
    return number;
  }

  void count_pairs() {
    for (std::size_t word = 0; word < starts_.size(); ++word)
      for (Place i = starts_[word]; symbols_[i] != none && symbols_[i + 1] != none; ++i) {
        Pair& pair = pairs_[static_cast<std::size_t>(pair_of(symbols_[i], symbols_[i + 1]))];
        pair.count += counts_[word];
        pair.places.push_back(i);
      }
    for (std::size_t p = 0; p < pairs_.size(); ++p)
      if (pairs_[p].count > 0) push(static_cast<std::int32_t>(p));
  }

  std::size_t word_at(Place place) const {
    return static_cast<std::size_t>(std::upper_bound(starts_.begin(), starts_.end(), place) - starts_.begin()) - 1;
  }
  void push(std::int32_t number) {
    const Pair& pair = pairs_[static_cast<std::size_t>(number)];
    queue_.push({pair.count, pair.left, pair.right, number});
  }

  void merge_everywhere(Token left, Token right, Token product, const std::vector<Place>& places) {
    std::vector<std::int32_t> raised;
    const Index limit = options_.max_token_length.value_or(std::numeric_limits<Index>::max());
    std::size_t word = 0;
    Place word_end = 0;
    const auto lower = [&](Token a, Token b) {
      if (const std::int32_t pair = numbers_.find(a, b); pair >= 0)
        pairs_[static_cast<std::size_t>(pair)].count -= counts_[word];
    };
    const auto raise = [&](Token a, Token b, Place place) {
      if (Index{length(a)} + Index{length(b)} >= limit) return;
      const std::int32_t number = pair_of(a, b);
      Pair& pair = pairs_[static_cast<std::size_t>(number)];
      pair.count += counts_[word];
      if (pair.places.empty()) raised.push_back(number);
      pair.places.push_back(place);
    };
    for (const Place i : places) {
      const Place middle = i + length(left);
      // A place where `left` began holds `left` as long as it does: it cannot become the last letter of another `left`.
      if (symbols_[i] != left || symbols_[middle] != right) continue;
      const Place end = middle + length(right);
      if (i >= word_end) {
        word = word_at(i);
        word_end = word + 1 < starts_.size() ? starts_[word + 1] : static_cast<Place>(symbols_.size());
      }
      symbols_[middle - 1] = symbols_[middle] = none;
      symbols_[i] = symbols_[end - 1] = product;
      if (const Token before = symbols_[i - 1]; before != none) {
        lower(before, left);
        raise(before, product, i - length(before));
      }
      if (const Token after = symbols_[end]; after != none) {
        lower(right, after);
        raise(product, after, i);
      }
    }
    for (const std::int32_t number : raised)
      if (pairs_[static_cast<std::size_t>(number)].count > 0) push(number);
  }

  const BpeTrainingOptions& options_;
  std::vector<std::string> texts_;
  std::vector<Place> lengths_;
  std::unordered_map<std::string, Token> ids_;
  std::vector<Token> symbols_;
  std::vector<Place> starts_;
  std::vector<std::int64_t> counts_;  ///< by word
  PairTable numbers_;
  std::vector<Pair> pairs_;
  std::priority_queue<Entry> queue_;
  std::vector<BpeMerge> merges_;
};

}  // namespace detail

/// Byte-pair encoding learnt from words (Sennrich et al. 2016), with the results of huggingface/tokenizers' BpeTrainer
/// (bpe/trainer.rs): ids are the special tokens, the letters by code point, then the products of merges; the commonest
/// pair is merged first, of equals the one with the lowest ids. Counts have 64 bits (the original's 32 overflow on
/// genomes). The definition has DNABERT-2's shape: words by white space, [UNK] for what is unknown and [CLS] A [SEP]
/// around a text, where the special tokens have those names. Places of pairs instead of words with them: O(letters +
/// changes of neighbours), about 20 bytes per letter. Throws kind `input` for words that are not UTF-8, negative
/// counts, 2^32 letters or more.
inline BpeDefinition train_bpe(const BpeWordCounts& words, const BpeTrainingOptions& options = {}) {
  detail::BpeTrainer trainer(options);
  trainer.read(words);
  trainer.train();
  BpeDefinition d;
  d.merges = std::move(trainer.merges());
  for (const std::string& text : trainer.texts())
    d.vocabulary.push_back({static_cast<TokenId>(d.vocabulary.size()), text});
  const auto is_special = [&](const char* name) {
    return std::find(options.special_tokens.begin(), options.special_tokens.end(), name) !=
           options.special_tokens.end();
  };
  std::set<std::string_view> added;
  for (const BpeToken& token : d.vocabulary)
    if (is_special(token.text.c_str()) && added.insert(token.text).second) d.added.push_back({token.id, token.text});
  if (is_special("[UNK]")) d.unknown = "[UNK]";
  if (is_special("[CLS]") && is_special("[SEP]")) {
    d.single = {{"[CLS]"}, {"A", true}, {"[SEP]"}};
    d.pair = {{"[CLS]"}, {"A", true}, {"[SEP]"}, {"B", true, 1}, {"[SEP]", false, 1}};
  }
  return d;
}

}  // namespace ligase::inline LIGASE_ISA
