#pragma once

#include <ligase/core/error.hpp>
#include <ligase/seq/alphabet.hpp>
#include <ligase/seq/tokenizer/vocabulary.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA::detail {

inline constexpr int longest_kmer = 8;

/// Throws kind `usage`.
inline void check_k(int k, int least, const char* tokenizer) {
  if (k < least || k > longest_kmer)
    throw Error{{.kind = ErrorKind::usage,
                 .what = "k is out of range",
                 .where = std::string(tokenizer) + " tokenizer",
                 .expected = std::to_string(least) + " to " + std::to_string(longest_kmer),
                 .found = std::to_string(k)}};
}

/// Appends all k-mers in the order of DNABERT's and Nucleotide Transformer's vocabularies: A T C G, last letter fastest.
inline void append_kmers(int k, std::vector<std::string>& tokens) {
  for (std::uint32_t n = 0; n < 1U << (2 * k); ++n) {
    std::string kmer(static_cast<std::size_t>(k), 'A');
    for (int j = 0; j < k; ++j) kmer[static_cast<std::size_t>(j)] = "ATCG"[n >> (2 * (k - 1 - j)) & 3];
    tokens.push_back(std::move(kmer));
  }
}

/// What a k-mer tokenizer does with a byte; 0 to 3 are the codes of A C G T (alphabet.hpp).
enum LetterClass : std::uint8_t { letter_n = 4, letter_other, letter_space, letter_bracket };

using LetterClasses = std::array<std::uint8_t, 256>;

constexpr LetterClasses make_letter_classes(bool upper_case) {
  LetterClasses classes{};
  for (int i = 0; i < 256; ++i) {
    const auto byte = static_cast<char>(i);
    const char letter = upper_case ? to_upper(byte) : byte;
    auto& c = classes[static_cast<std::size_t>(i)];
    c = letter_other;
    if (letter == to_upper(letter) && base_code(letter) < 4) c = base_code(letter);
    if (letter == 'N') c = letter_n;
    if (letter == '[' || letter == '<') c = letter_bracket;
    if (letter == ' ' || (i >= 0x09 && i <= 0x0D) || (i >= 0x1C && i <= 0x1F)) c = letter_space;
  }
  return classes;
}
inline constexpr LetterClasses exact_letters = make_letter_classes(false);
inline constexpr LetterClasses upper_cased_letters = make_letter_classes(true);

constexpr const LetterClasses& letter_classes(bool upper_case) {
  return upper_case ? upper_cased_letters : exact_letters;
}

/// The k-mers and special tokens of a vocabulary. A k-mer's index is its letters' codes as digits to the base 4.
struct KmerTable {
  int k = 0;                               ///< letters of the longest token over A C G T
  std::vector<TokenId> ids;                ///< of every index; 4^k
  std::vector<std::int32_t> kmers;         ///< index of every id; -1 for what is no k-mer
  std::vector<std::string> special_names;  ///< [NAME] or `<NAME>`
  std::vector<TokenId> special_ids;

  static constexpr std::int32_t no_kmer = -1;

  /// Throws kind `input`, with file and line, for a token over A C G T of another length than k (a single letter, where
  /// `letters` allows those), for what is neither k-mer nor special nor one of `letters`, and for a missing k-mer.
  KmerTable(const Vocabulary& vocabulary, int least, std::string_view letters) {
    const auto n = static_cast<TokenId>(vocabulary.size());
    const auto is_kmer = [](std::string_view token) {
      return token.find_first_not_of("ACGT") == std::string_view::npos;
    };
    for (TokenId id = 0; id < n; ++id)
      if (const std::string_view token = vocabulary[id]; is_kmer(token) && token.size() > static_cast<std::size_t>(k))
        k = static_cast<int>(std::min(token.size(), std::size_t{longest_kmer} + 1));
    if (k < least || k > longest_kmer)
      throw Error{
          {.kind = ErrorKind::input,
           .what = "not a vocabulary of k-mers",
           .where = vocabulary.where(),
           .expected = "k-mers of " + std::to_string(least) + " to " + std::to_string(longest_kmer) + " letters"}};

    ids.assign(std::size_t{1} << (2 * k), -1);
    kmers.assign(static_cast<std::size_t>(n), no_kmer);
    for (TokenId id = 0; id < n; ++id) {
      const std::string_view token = vocabulary[id];
      if (token.size() == 1 && letters.find(token[0]) != std::string_view::npos) continue;
      if (is_kmer(token)) {
        if (token.size() != static_cast<std::size_t>(k))
          vocabulary.refuse("k-mers of different lengths", id, std::to_string(k) + " letters",
                            "'" + std::string(token) + "'");
        std::uint32_t index = 0;
        for (const char letter : token) index = index << 2 | base_code(letter);
        ids[index] = id;
        kmers[static_cast<std::size_t>(id)] = static_cast<std::int32_t>(index);
      } else if ((token.starts_with('[') && token.ends_with(']')) || (token.starts_with('<') && token.ends_with('>'))) {
        special_names.emplace_back(token);
        special_ids.push_back(id);
      } else {
        vocabulary.refuse("not a token of this tokenizer", id, "a k-mer over A C G T or a special token",
                          "'" + std::string(token) + "'");
      }
    }
    if (const auto missing = std::find(ids.begin(), ids.end(), -1); missing != ids.end())
      throw Error{{.kind = ErrorKind::input,
                   .what = "a k-mer is missing",
                   .where = vocabulary.where(),
                   .expected = name_of(static_cast<std::uint32_t>(missing - ids.begin()))}};
  }

  std::string name_of(std::uint32_t index) const {
    std::string kmer(static_cast<std::size_t>(k), 'A');
    for (auto letter = kmer.rbegin(); letter != kmer.rend(); ++letter, index >>= 2) *letter = "ACGT"[index & 3];
    return kmer;
  }

  std::uint32_t reverse_complement(std::uint32_t index) const {
    std::uint32_t other = 0;
    for (int j = 0; j < k; ++j, index >>= 2) other = other << 2 | (3 - (index & 3));
    return other;
  }
};

}  // namespace ligase::inline LIGASE_ISA::detail
