#pragma once

#include <ligase/seq/tokenizer/bpe_model.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace ligase::inline LIGASE_ISA::detail {

/// Byte-pair encoding of one word by its definition: among the neighbours that have a merge the lowest rank is merged,
/// leftmost first, one at a time, until none has. Works for every list of merges. `tokens` holds the letters and then
/// the encoding. A linked list and a queue of (rank, place), in which an entry counts as long as its pair still has
/// that rank. O(n log n) time, 8 to 40 bytes per letter beside the list. Same result as huggingface/tokenizers'
/// Word::merge_all.
inline void merge_by_queue(const BpeModel& model, std::vector<BpeModel::Slot>& tokens) {
  using Place = std::uint32_t;
  constexpr Place nowhere = std::numeric_limits<Place>::max();
  if (tokens.size() >= nowhere)
    model.refuse("a word is too long", "less than 4294967295 letters", std::to_string(tokens.size()));
  const auto count = static_cast<Place>(tokens.size());
  std::vector<Place> next(count), previous(count);
  for (Place i = 0; i < count; ++i) {
    next[i] = i + 1 < count ? i + 1 : nowhere;
    previous[i] = i == 0 ? nowhere : i - 1;
  }
  std::vector<std::uint64_t> queue;  // rank, place
  const auto entry = [&](Place i) {
    const BpeModel::Slot rank = next[i] == nowhere ? BpeModel::none : model.rank(tokens[i], tokens[next[i]]);
    return rank == BpeModel::none ? ~std::uint64_t{0} : static_cast<std::uint64_t>(rank) << 32 | i;
  };
  for (Place i = 0; i < count; ++i)
    if (const std::uint64_t e = entry(i); e != ~std::uint64_t{0}) queue.push_back(e);
  const auto later = [](std::uint64_t a, std::uint64_t b) { return a > b; };
  std::make_heap(queue.begin(), queue.end(), later);
  const auto push = [&](Place i) {
    const std::uint64_t e = entry(i);
    if (e == ~std::uint64_t{0}) return;
    queue.push_back(e);
    std::push_heap(queue.begin(), queue.end(), later);
  };

  while (!queue.empty()) {
    std::pop_heap(queue.begin(), queue.end(), later);
    const std::uint64_t top = queue.back();
    queue.pop_back();
    const auto i = static_cast<Place>(top);
    if (tokens[i] == BpeModel::none || entry(i) != top) continue;
    tokens[i] = model.merge(static_cast<BpeModel::Slot>(top >> 32)).product;
    const Place gone = next[i];
    tokens[gone] = BpeModel::none;
    next[i] = next[gone];
    if (next[i] != nowhere) previous[next[i]] = i;
    push(i);
    if (previous[i] != nowhere) push(previous[i]);
  }
  tokens.erase(std::remove(tokens.begin(), tokens.end(), BpeModel::none), tokens.end());
}

}  // namespace ligase::inline LIGASE_ISA::detail
