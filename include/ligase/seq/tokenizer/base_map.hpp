#pragma once

#include <ligase/core/error.hpp>
#include <ligase/seq/tokenizer/tokenizer.hpp>

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// Tokens [begin, end) of an encoding.
struct TokenRange {
  Index begin = 0, end = 0;
  bool empty() const { return begin == end; }
  Index size() const { return end - begin; }
  friend bool operator==(const TokenRange&, const TokenRange&) = default;
};

/// Which bases a token stands for, and which tokens stand for a base, of an encoded window. Bases are 0-based places in
/// the sequence that the window was taken from. Special tokens and padding have empty spans; a base that truncation cut
/// off, or that belongs to no token, has an empty range; a base has several tokens where tokens overlap.
class BaseMap {
 public:
  /// `spans` as from encode_spans or encode_with, of a text that begins at base `offset` of its sequence. O(tokens).
  /// Throws kind `shape` where begins or ends decrease, or an end lies before its begin.
  explicit BaseMap(std::vector<Span> spans, Index offset = 0) : spans_(std::move(spans)), offset_(offset) {
    for (std::size_t i = 0; i < spans_.size(); ++i)
      if (const Span& s = spans_[i];
          s.end < s.begin || s.begin < 0 || (i > 0 && (s.begin < spans_[i - 1].begin || s.end < spans_[i - 1].end)))
        throw Error{{.kind = ErrorKind::shape,
                     .what = "spans of tokens out of order",
                     .where = "token " + std::to_string(i),
                     .found = std::to_string(s.begin) + " to " + std::to_string(s.end)}};
  }
  explicit BaseMap(const Encoding& encoding, Index offset = 0) : BaseMap(encoding.spans, offset) {}

  Index tokens() const { return static_cast<Index>(spans_.size()); }
  /// From the first base that is in a token to the last.
  Span bases() const { return bases_of(TokenRange{0, tokens()}); }

  /// Bases of a token. O(1). Throws kind `usage` for a token that there is not.
  Span bases_of(Index token) const {
    if (token < 0 || token >= tokens())
      throw Error{{.kind = ErrorKind::usage,
                   .what = "no such token in the map",
                   .expected = "0 to " + std::to_string(tokens() - 1),
                   .found = std::to_string(token)}};
    const Span& s = spans_[static_cast<std::size_t>(token)];
    return {offset_ + s.begin, offset_ + s.end};
  }
  /// Bases of tokens [begin, end) together; special tokens at either side of the range add none.
  Span bases_of(TokenRange range) const {
    while (range.size() > 1 && empty(range.begin)) ++range.begin;
    while (range.size() > 1 && empty(range.end - 1)) --range.end;
    if (range.size() < 1) return {offset_, offset_};
    return {bases_of(range.begin).begin, bases_of(range.end - 1).end};
  }

  /// Tokens that hold the base; empty for a base outside. O(log n).
  TokenRange tokens_of(Index base) const { return tokens_of(Span{base, base + 1}); }
  /// Tokens that hold any of the bases, with what stands between them. O(log n).
  TokenRange tokens_of(Span bases) const {
    if (bases.end <= bases.begin || spans_.empty()) return {};
    const Index begin = std::max(bases.begin - offset_, Index{0});
    const Index end = std::min(bases.end - offset_, spans_.back().end);
    const auto first =
        std::partition_point(spans_.begin(), spans_.end(), [&](const Span& s) { return s.end <= begin; });
    const auto last = std::partition_point(first, spans_.end(), [&](const Span& s) { return s.begin < end; });
    if (last == first) return {};
    return {first - spans_.begin(), last - spans_.begin()};
  }

 private:
  bool empty(Index token) const {
    const Span s = bases_of(token);
    return s.begin == s.end;
  }

  std::vector<Span> spans_;
  Index offset_;
};

/// The letters that an encoding of `length` letters states, each in its place: names of tokens written over their spans,
/// `unknown` where no token says what stands there (unknown tokens, what was cut off). Gives back every text over A C G T
/// of which each letter is in a token. O(n) tokens decoded one by one.
template <Tokenizer T>
std::string restore(const T& tokenizer, const Encoding& encoding, Index length, char unknown = 'N') {
  std::string text(static_cast<std::size_t>(length), unknown);
  for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
    const Span span = encoding.spans[i];
    if (span.begin == span.end) continue;
    if constexpr (HasUnknown<T>)
      if (encoding.ids[i] == tokenizer.unk_id()) continue;
    const std::string name = tokenizer.decode(std::span(&encoding.ids[i], 1));
    if (static_cast<Index>(name.size()) == span.end - span.begin && span.end <= length)
      std::copy(name.begin(), name.end(), text.begin() + span.begin);
  }
  return text;
}

}  // namespace ligase::inline LIGASE_ISA
