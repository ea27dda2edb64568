#pragma once

#include <ligase/core/platform.hpp>

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// Token ids as models take them; data sets pack them into uint8 or uint16, files hold int64.
using TokenId = std::int32_t;

/// Letters [begin, end) of the text that a token stands for; empty for a token that stands for none.
struct Span {
  Index begin = 0, end = 0;
  friend bool operator==(const Span&, const Span&) = default;
};

/// Token ids of a text, and the span of each: as many spans as ids.
struct Encoding {
  std::vector<TokenId> ids;
  std::vector<Span> spans;
};

/// Turns text into token ids and back. A tokenizer is a value: immutable after construction, so const members may be
/// called from several threads.
///   encode(text)    ids of the text alone: no special token is added, nothing is cut or padded. Every byte sequence has an
///                   encoding; what the vocabulary lacks becomes its unknown token (or is refused, kind `input`, by a
///                   tokenizer without one).
///   decode(ids)     text of the ids, special tokens as their names. encode(decode(ids)) == ids for ids from encode.
///                   Throws kind `input` for ids outside 0 .. vocab_size() - 1.
///   vocab_size()    every id from encode is in 0 .. vocab_size() - 1. A model may pad its embedding beyond that.
///   name()          as on the command line: `char`, `kmer-overlap:6`.
template <class T>
concept Tokenizer = requires(const T& t, std::string_view text, std::span<const TokenId> ids) {
  { t.encode(text) } -> std::same_as<std::vector<TokenId>>;
  { t.decode(ids) } -> std::same_as<std::string>;
  { t.vocab_size() } -> std::same_as<std::int64_t>;
  { t.name() } -> std::convertible_to<std::string>;
};

/// Special tokens are refinements, asked for by whoever needs them: a vocabulary without [MASK] cannot train a masked model.
template <class T>
concept HasPad = Tokenizer<T> && requires(const T& t) {
  { t.pad_id() } -> std::same_as<TokenId>;
};
template <class T>
concept HasMask = Tokenizer<T> && requires(const T& t) {
  { t.mask_id() } -> std::same_as<TokenId>;
};
template <class T>
concept HasUnknown = Tokenizer<T> && requires(const T& t) {
  { t.unk_id() } -> std::same_as<TokenId>;
};

/// Reverse complement is an operation on tokens: for every sequence s of letters
///   encode(reverse_complement(s)) == reverse(complement(encode(s))).
/// Holds for single characters, bytes and overlapping k-mers. Does not hold for k-mers side by side (the remainder moves
/// to the other end) nor for BPE (merges run from the left): strand-symmetric models (RCPS) do not take those.
///   complement(id)          an involution on 0 .. vocab_size() - 1; special tokens map to themselves
///   complement_map(size)    the same as a table; ids from vocab_size() to size - 1, which a model adds as padding, map to
///                           themselves; size < vocab_size() is refused (kind `usage`)
template <class T>
concept TokenwiseComplement = Tokenizer<T> && requires(const T& t, TokenId id, std::int64_t size) {
  { t.complement(id) } -> std::same_as<TokenId>;
  { t.complement_map(size) } -> std::same_as<std::vector<TokenId>>;
};

/// Token ids of the other strand.
template <TokenwiseComplement T>
std::vector<TokenId> reverse_complement(const T& tokenizer, std::span<const TokenId> ids) {
  std::vector<TokenId> result;
  result.reserve(ids.size());
  for (auto id = ids.rbegin(); id != ids.rend(); ++id) result.push_back(tokenizer.complement(*id));
  return result;
}

}  // namespace ligase::inline LIGASE_ISA
