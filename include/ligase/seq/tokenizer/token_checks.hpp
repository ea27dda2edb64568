#pragma once

#include <ligase/core/error.hpp>
#include <ligase/seq/tokenizer/tokenizer.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ligase::inline LIGASE_ISA::detail {

/// Throws kind `input` unless the tokenizer has that id; returns it as a place in a table.
template <class T>
constexpr std::size_t checked_id(const T& tokenizer, TokenId id) {
  if (id < 0 || id >= tokenizer.vocab_size())
    throw Error{{.kind = ErrorKind::input,
                 .what = "no such token",
                 .where = std::string(tokenizer.name()) + " tokenizer",
                 .expected = "an id from 0 to " + std::to_string(tokenizer.vocab_size() - 1),
                 .found = std::to_string(id)}};
  return static_cast<std::size_t>(id);
}

/// complement_map of a tokenizer from its complement. O(size).
template <class T>
std::vector<TokenId> complement_table(const T& tokenizer, Index size) {
  if (size < tokenizer.vocab_size())
    throw Error{{.kind = ErrorKind::usage,
                 .what = "the padded vocabulary is too small",
                 .where = std::string(tokenizer.name()) + " tokenizer",
                 .expected = "at least " + std::to_string(tokenizer.vocab_size()),
                 .found = std::to_string(size)}};
  std::vector<TokenId> map(static_cast<std::size_t>(size));
  for (std::size_t i = 0; i < map.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    map[i] = id < tokenizer.vocab_size() ? tokenizer.complement(id) : id;
  }
  return map;
}

/// Ids of the tokens that `scan` hands to a writer as (id, begin, end), in order; at most `most` of them.
template <class Scan>
std::vector<TokenId> collect_ids(std::size_t most, Scan&& scan) {
  std::vector<TokenId> ids(most);
  TokenId* out = ids.data();
  scan([&out](TokenId id, std::size_t, std::size_t) { *out++ = id; });
  ids.resize(static_cast<std::size_t>(out - ids.data()));
  return ids;
}

/// The same with their spans.
template <class Scan>
Encoding collect_spans(std::size_t most, Scan&& scan) {
  Encoding e{std::vector<TokenId>(most), std::vector<Span>(most)};
  std::size_t count = 0;
  scan([&](TokenId id, std::size_t begin, std::size_t end) {
    e.ids[count] = id;
    e.spans[count++] = {static_cast<Index>(begin), static_cast<Index>(end)};
  });
  e.ids.resize(count);
  e.spans.resize(count);
  return e;
}

/// Number of tokens that scan finds.
template <class Scan>
std::size_t count_tokens(Scan&& scan) {
  std::size_t count = 0;
  scan([&](TokenId, std::size_t, std::size_t) { ++count; });
  return count;
}

/// The same where only a guess of the number is known.
template <class Scan>
std::vector<TokenId> gather_ids(std::size_t guess, Scan&& scan) {
  std::vector<TokenId> ids;
  ids.reserve(guess);
  scan([&](TokenId id, std::size_t, std::size_t) { ids.push_back(id); });
  return ids;
}

template <class Scan>
Encoding gather_spans(std::size_t guess, Scan&& scan) {
  Encoding e;
  e.ids.reserve(guess);
  e.spans.reserve(guess);
  scan([&](TokenId id, std::size_t begin, std::size_t end) {
    e.ids.push_back(id);
    e.spans.push_back({static_cast<Index>(begin), static_cast<Index>(end)});
  });
  return e;
}

/// Length of the longest of `names` that begins the text and its place in the list as `which`; 0 where there is none.
template <class Names>
std::size_t name_at(std::string_view text, const Names& names, std::size_t& which) {
  std::size_t longest = 0, i = 0;
  for (const auto& name : names) {
    if (name.size() > longest && text.starts_with(name)) longest = name.size(), which = i;
    ++i;
  }
  return longest;
}

}  // namespace ligase::inline LIGASE_ISA::detail
