#pragma once

#include <ligase/core/error.hpp>
#include <ligase/core/platform.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// Token ids as models take them; data sets pack them into uint8 or uint16, files hold int64.
using TokenId = std::int32_t;

/// Letters [begin, end) of the text that a token stands for, counted in bytes; empty for a token that stands for none.
struct Span {
  Index begin = 0, end = 0;
  friend bool operator==(const Span&, const Span&) = default;
};

/// Token ids of a text, and the span of each: as many spans as ids. Begins and ends never decrease from token to token.
struct Encoding {
  std::vector<TokenId> ids;
  std::vector<Span> spans;
};

/// Turns text into token ids and back. A tokenizer is a value: immutable after construction, so const members may be
/// called from several threads.
///   encode(text)        ids of the text alone: no special token is added, nothing is cut or padded. Every byte sequence
///                       has an encoding; what the vocabulary lacks becomes its unknown token (or is refused, kind
///                       `input`, by a tokenizer without one, or told so). Published tokenizers read the name of a special
///                       token inside the text, spelt exactly, as that token. Linear time.
///   encode_spans(text)  the same ids with the span of each; the name of a special token is its span
///   decode(ids)         text of the ids, special tokens as their names. encode(decode(ids)) == ids for ids from encode.
///                       Throws kind `input` for ids outside 0 .. vocab_size() - 1.
///   prefix(), suffix()  special tokens that the original puts around a sequence, where special tokens are asked for
///   vocab_size()        every id from encode is in 0 .. vocab_size() - 1. A model may pad its embedding beyond that.
///   name()              as on the command line: `char`, `kmer-overlap:6`.
template <class T>
concept Tokenizer = requires(const T& t, std::string_view text, std::span<const TokenId> ids) {
  { t.encode(text) } -> std::same_as<std::vector<TokenId>>;
  { t.encode_spans(text) } -> std::same_as<Encoding>;
  { t.decode(ids) } -> std::same_as<std::string>;
  { t.prefix() } -> std::same_as<std::vector<TokenId>>;
  { t.suffix() } -> std::same_as<std::vector<TokenId>>;
  { t.vocab_size() } -> std::same_as<std::int64_t>;
  { t.name() } -> std::convertible_to<std::string>;
};

/// Where the original puts [PAD].
enum class PadSide { left, right };

/// Special tokens are refinements, asked for by whoever needs them: a vocabulary without [MASK] cannot train a masked model.
template <class T>
concept HasPad = Tokenizer<T> && requires(const T& t) {
  { t.pad_id() } -> std::same_as<TokenId>;
  { t.pad_side() } -> std::same_as<PadSide>;
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
/// Holds for single characters, bytes, one-hot columns and overlapping k-mers. Does not hold for k-mers side by side (the
/// remainder moves to the other end) nor for BPE (merges run from the left): strand-symmetric models (RCPS) do not take
/// those.
///   complement(id)          an involution on 0 .. vocab_size() - 1; special tokens map to themselves
///   complement_map(size)    the same as a table; ids from vocab_size() to size - 1, which a model adds as padding, map to
///                           themselves; size < vocab_size() is refused (kind `usage`)
template <class T>
concept TokenwiseComplement = Tokenizer<T> && requires(const T& t, TokenId id, std::int64_t size) {
  { t.complement(id) } -> std::same_as<TokenId>;
  { t.complement_map(size) } -> std::same_as<std::vector<TokenId>>;
};

/// Whether reverse complement is an operation on the tokens of this tokenizer; of one chosen at run time it says so itself.
template <Tokenizer T>
bool has_tokenwise_complement(const T& tokenizer) {
  if constexpr (requires { tokenizer.tokenwise_complement(); })
    return tokenizer.tokenwise_complement();
  else
    return TokenwiseComplement<T>;
}

/// Token ids of the other strand.
template <TokenwiseComplement T>
std::vector<TokenId> reverse_complement(const T& tokenizer, std::span<const TokenId> ids) {
  std::vector<TokenId> result;
  result.reserve(ids.size());
  for (auto id = ids.rbegin(); id != ids.rend(); ++id) result.push_back(tokenizer.complement(*id));
  return result;
}

/// What the originals take at the call.
struct EncodeOptions {
  std::optional<Index> max_length = {};  ///< tokens, special ones included: keeps the first tokens of the text
  bool pad = false;                      ///< [PAD] up to max_length, on the tokenizer's pad_side()
  bool add_special_tokens = false;       ///< prefix() and suffix(), which truncation never cuts
};

/// Ids and spans of a text as a model takes them. An added token has an empty span at the place where it stands: 0 in
/// front, the end of the last token of the text behind. O(n). Throws kind `usage` when max_length leaves no room for the
/// special tokens, padding has no max_length, or the tokenizer has no [PAD].
template <Tokenizer T>
Encoding encode_with(const T& tokenizer, std::string_view text, const EncodeOptions& options) {
  const auto refuse = [&](std::string what, std::string expected = {}, std::string found = {}) {
    throw Error{{.kind = ErrorKind::usage,
                 .what = std::move(what),
                 .where = std::string(tokenizer.name()) + " tokenizer",
                 .expected = std::move(expected),
                 .found = std::move(found)}};
  };
  std::vector<TokenId> front, back;
  if (options.add_special_tokens) front = tokenizer.prefix(), back = tokenizer.suffix();
  const auto special = static_cast<Index>(front.size() + back.size());
  if (options.max_length && *options.max_length < special)
    refuse("max_length is too small", "at least " + std::to_string(special), std::to_string(*options.max_length));
  if (options.pad && !HasPad<T>) refuse("the vocabulary has no token for padding");
  if (options.pad && !options.max_length) refuse("padding needs max_length");

  Encoding e = tokenizer.encode_spans(text);
  if (options.max_length) {
    const auto kept = std::min(e.ids.size(), static_cast<std::size_t>(*options.max_length - special));
    e.ids.resize(kept);
    e.spans.resize(kept);
  }
  const auto append = [&](std::size_t count, TokenId id) {
    const Index end = e.spans.empty() ? 0 : e.spans.back().end;
    e.ids.insert(e.ids.end(), count, id);
    e.spans.insert(e.spans.end(), count, Span{end, end});
  };
  for (const TokenId id : back) append(1, id);
  e.ids.insert(e.ids.begin(), front.begin(), front.end());
  e.spans.insert(e.spans.begin(), front.size(), Span{});
  if constexpr (HasPad<T>)
    if (options.pad) {
      const std::size_t missing = static_cast<std::size_t>(*options.max_length) - e.ids.size();
      if (tokenizer.pad_side() == PadSide::right) {
        append(missing, tokenizer.pad_id());
      } else {
        e.ids.insert(e.ids.begin(), missing, tokenizer.pad_id());
        e.spans.insert(e.spans.begin(), missing, Span{});
      }
    }
  return e;
}

}  // namespace ligase::inline LIGASE_ISA
