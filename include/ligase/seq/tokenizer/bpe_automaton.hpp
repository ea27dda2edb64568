#pragma once

#include <ligase/seq/tokenizer/bpe_model.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace ligase::inline LIGASE_ISA::detail {

/// Byte-pair encoding from left to right, for regular models: each longer token comes from one merge, whose parts are
/// made by earlier merges. Then all merges of one rank happen before any of the next, and three facts follow, each by
/// induction over the ranks:
///   1. Cut a text where its encoding has a boundary: the halves are encoded as they are in the whole.
///   2. Tokens in a row are the encoding of their text when every two neighbours are the encoding of theirs.
///   3. So the last token of a text's encoding is the one token that ends the text and follows the last token of the
///      text before it (1), and there is no second such token (2).
/// An automaton of all tokens (Aho and Corasick 1975) tells which tokens end at a place, longest first; fact 3 chooses.
/// Time per letter is the number of tokens that end there, 1.7 of them tried for
/// DNA, no matter how long the word is.
class BpeAutomaton {
 public:
  using Slot = BpeModel::Slot;
  static constexpr Slot none = BpeModel::none;

  explicit BpeAutomaton(const BpeModel& model) : model_(model) {
    lengths_.assign(static_cast<std::size_t>(model.size()), 0);
    dense_letters_.assign(lengths_.size(), none);
    std::vector<Slot> whole{none};  // the token that a node spells
    std::vector<std::pair<std::int32_t, std::int32_t>> edges{{0, 0}};
    for (Slot slot = 0; slot < model.size(); ++slot)
      if (model.is_letter(slot)) add(slot, whole, edges);
    for (const BpeModel::Merge& merge : model.merges())
      if (stays_whole(merge)) add(merge.product, whole, edges);
    link(whole, edges);
    tabulate();
    const std::size_t answer_bytes = lengths_.size() * lengths_.size() / 4 + 1;
    if (answer_bytes <= std::size_t{1} << 24) answers_ = std::vector<std::atomic<std::uint8_t>>(answer_bytes);
  }

  std::int32_t start() const { return 0; }
  /// State after one more letter.
  std::int32_t next(std::int32_t state, Slot letter) const {
    const std::int32_t dense = dense_letters_[static_cast<std::size_t>(letter)];
    if (!table_.empty())
      return table_[static_cast<std::size_t>(state) * static_cast<std::size_t>(letter_count_) +
                    static_cast<std::size_t>(dense)];
    return walk(state, dense);
  }
  /// Longest token that ends at the state; every state but the first has one.
  Slot longest(std::int32_t state) const { return longest_[static_cast<std::size_t>(state)]; }
  /// The next shorter token that ends the token's text; none after a letter.
  Slot shorter(Slot slot) const { return shorter_[static_cast<std::size_t>(slot)]; }
  /// Letters of a token.
  std::int32_t length(Slot slot) const { return lengths_[static_cast<std::size_t>(slot)]; }

  /// Whether `left right` is the encoding of its text: no merge joins the two at any time. Follows the parts at the
  /// boundary backwards in time. In one rank merges run from the left, so a merge across comes before the one on its
  /// right. Answers are remembered where two bits for each pair of tokens are 16 MiB at most; threads may share them,
  /// as an answer depends on nothing else.
  bool follows(Slot left, Slot right) const {
    if (answers_.empty()) return !crosses(left, right, last, last, true);
    const std::size_t pair = static_cast<std::size_t>(left) * lengths_.size() + static_cast<std::size_t>(right);
    std::atomic<std::uint8_t>& four = answers_[pair / 4];
    const auto shift = static_cast<unsigned>(pair % 4 * 2);
    const unsigned known = four.load(std::memory_order_relaxed) >> shift & 3U;
    if (known != 0) return known == 3;
    const bool answer = !crosses(left, right, last, last, true);
    four.fetch_or(static_cast<std::uint8_t>((answer ? 3U : 1U) << shift), std::memory_order_relaxed);
    return answer;
  }

 private:
  static constexpr Slot last = std::numeric_limits<Slot>::max();

  /// left_end and right_end: ranks at which the two are merged with what stands at their other sides.
  bool crosses(Slot left, Slot right, Slot left_end, Slot right_end, bool look) const {
    for (;;) {
      const Slot rank = look ? model_.rank(left, right) : none;
      if (rank != none && rank < left_end && rank <= right_end) return true;
      look = true;
      const Slot left_birth = model_.birth(left), right_birth = model_.birth(right);
      if (left_birth == none && right_birth == none) return false;
      if (left_birth > right_birth) {
        left = model_.merge(left_birth).right;
        left_end = left_birth;
      } else {
        right = model_.merge(right_birth).left;
        right_end = right_birth;
      }
    }
  }

  /// Whether the merge's product is the encoding of its own text.
  bool stays_whole(const BpeModel::Merge& m) const {
    return length(m.left) > 0 && length(m.right) > 0 && !crosses(m.left, m.right, last, last, false);
  }

  void add(Slot slot, std::vector<Slot>& whole, std::vector<std::pair<std::int32_t, std::int32_t>>& edges) {
    std::int32_t node = 0, count = 0;
    for (std::string_view rest = model_.token(slot).text; !rest.empty(); ++count) {
      const Character c = model_.next_letter(rest);
      rest.remove_prefix(c.bytes);
      std::int32_t& dense = dense_letters_[static_cast<std::size_t>(model_.letter(c.code))];
      if (dense == none) dense = letter_count_++;
      const std::int32_t child = trie_.add(node, dense);
      if (child == static_cast<std::int32_t>(whole.size())) {
        whole.push_back(none);
        edges.emplace_back(node, dense);
      }
      node = child;
    }
    whole[static_cast<std::size_t>(node)] = slot;
    lengths_[static_cast<std::size_t>(slot)] = count;
  }

  /// Failure links and longest tokens of all nodes, parents first.
  void link(const std::vector<Slot>& whole, const std::vector<std::pair<std::int32_t, std::int32_t>>& edges) {
    const std::size_t nodes = whole.size();
    std::vector<std::int32_t> depth(nodes, 0);
    order_.reserve(nodes);
    std::int32_t deepest = 0;
    for (std::size_t n = 1; n < nodes; ++n) {  // a parent is older than its children
      depth[n] = depth[static_cast<std::size_t>(edges[n].first)] + 1;
      deepest = std::max(deepest, depth[n]);
    }
    std::vector<std::size_t> starts(static_cast<std::size_t>(deepest) + 2, 0);
    for (std::size_t n = 0; n < nodes; ++n) ++starts[static_cast<std::size_t>(depth[n]) + 1];
    for (std::size_t d = 1; d < starts.size(); ++d) starts[d] += starts[d - 1];
    order_.resize(nodes);
    for (std::size_t n = 0; n < nodes; ++n)
      order_[starts[static_cast<std::size_t>(depth[n])]++] = static_cast<std::int32_t>(n);

    failure_.assign(nodes, 0);
    longest_.assign(nodes, none);
    shorter_.assign(lengths_.size(), none);
    for (std::size_t i = 1; i < nodes; ++i) {
      const auto n = static_cast<std::size_t>(order_[i]);
      const auto [parent, letter] = edges[n];
      if (parent != 0) failure_[n] = walk(failure_[static_cast<std::size_t>(parent)], letter);
      const Slot below = longest_[static_cast<std::size_t>(failure_[n])];
      longest_[n] = whole[n] == none ? below : whole[n];
      if (whole[n] != none) shorter_[static_cast<std::size_t>(whole[n])] = below;
    }
  }

  std::int32_t walk(std::int32_t state, std::int32_t letter) const {
    for (;; state = failure_[static_cast<std::size_t>(state)]) {
      const std::int32_t child = trie_.child(state, letter);
      if (child >= 0) return child;
      if (state == 0) return 0;
    }
  }

  /// Small alphabets get all their transitions in one table.
  void tabulate() {
    constexpr std::int64_t limit = 1 << 20;
    if (letter_count_ == 0 || std::int64_t{trie_.size()} * letter_count_ > limit) return;
    table_.resize(static_cast<std::size_t>(trie_.size()) * static_cast<std::size_t>(letter_count_));
    for (const std::int32_t node : order_)
      for (std::int32_t letter = 0; letter < letter_count_; ++letter) {
        const auto width = static_cast<std::size_t>(letter_count_), at = static_cast<std::size_t>(letter);
        const std::int32_t child = trie_.child(node, letter);
        table_[static_cast<std::size_t>(node) * width + at] =
            child >= 0  ? child
            : node == 0 ? 0
                        : table_[static_cast<std::size_t>(failure_[static_cast<std::size_t>(node)]) * width + at];
      }
  }

  const BpeModel& model_;
  Trie trie_;
  std::vector<std::int32_t> dense_letters_;  ///< by slot
  std::int32_t letter_count_ = 0;
  std::vector<std::int32_t> lengths_;  ///< by slot; 0 where the token is never in an encoding
  std::vector<Slot> shorter_;          ///< by slot
  std::vector<std::int32_t> order_, failure_, table_;
  std::vector<Slot> longest_;                               ///< by state
  mutable std::vector<std::atomic<std::uint8_t>> answers_;  ///< of follows(): 0 not known, 1 no, 3 yes
};

}  // namespace ligase::inline LIGASE_ISA::detail
