#pragma once

#include <ligase/core/error.hpp>
#include <ligase/core/platform.hpp>
#include <ligase/tasks/base_window.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// Which bases a context of order k holds: the k to the left, or the k on either side.
enum class ContextSide { left, both };

/// A base that stands in its place but may not be seen (beside the codes of BaseWindow).
inline constexpr std::uint8_t base_hidden = 5;

/// What the train text says about one letter in one context. hidden: masked context bases that were summed over; negative
/// where there is no such context (it leaves the window, holds an unknown base, or too many masked ones).
struct ContextTally {
  double total = 0;          ///< N(c) = sum over x of n(c, x)
  std::uint32_t letter = 0;  ///< n(c, x)
  int hidden = -1;
};

/// Counts n_k(c, x) of letter x in context c for the orders k = 0 .. max_order, from windows taken alone: contexts cross
/// neither window edges nor unknown bases. Pooled: both strands are counted. Table of order k: 4^(k+1) (left) or 4^(2k+1)
/// (both) counters of 32 bits, index = context bases in reading order (first most significant), then x; order 6 of both sides
/// and order 12 of the left take 268 MB. Time O(bases): a position is counted once per strand, in the highest order that it has,
/// and tables are then summed downwards.
class ContextCounts {
 public:
  /// Throws a usage error where max_order exceeds 6 (both) or 12 (left), an input error beyond 2^32 - 1 bases.
  ContextCounts(ContextSide side, int max_order, std::span<const BaseWindow> train) : side_(side), max_order_(max_order) {
    const int limit = side == ContextSide::both ? 6 : 12;
    if (max_order < 0 || max_order > limit)
      throw Error{{.kind = ErrorKind::usage, .what = "this order has no table of counts", .where = "context model",
                   .expected = "0 to " + std::to_string(limit), .found = std::to_string(max_order)}};
    std::uint64_t bases = 0;
    for (const BaseWindow& w : train) bases += w.codes.size();
    if (bases > std::numeric_limits<std::uint32_t>::max())
      throw Error{{.kind = ErrorKind::input, .what = "too many bases for counters of 32 bits", .where = "context model",
                   .expected = "at most 4294967295", .found = std::to_string(bases)}};
    for (int k = 0; k <= max_order; ++k) table_.emplace_back(std::size_t{1} << (2 * context_bases(k) + 2), 0u);
    for (const BaseWindow& w : train) add(w.codes);
    for (int k = max_order; k > 0; --k) sum_down(k);
  }

  ContextSide side() const { return side_; }
  int max_order() const { return max_order_; }

  /// Pooled count of letter x; A and T, C and G are equal.
  std::uint32_t letter_count(std::uint8_t x) const { return table_[0][x]; }

  /// At most this many masked bases of a context of order k are summed over (4^4 fillings).
  static constexpr int max_hidden = 4;

  /// Counts of `letter` and of all letters in the context of order k around position i of `seen`, where masked places hold
  /// base_hidden. A context with m masked bases sums over the 4^m ways to fill them. O(k + 4^m).
  ContextTally tally(int k, std::span<const std::uint8_t> seen, Index i, std::uint8_t letter) const {
    const Index last = side_ == ContextSide::both ? i + k : i;
    if (i < k || last >= static_cast<Index>(seen.size())) return {};
    std::array<std::size_t, std::size_t{1} << (2 * max_hidden)> context{};
    std::size_t fillings = 1;
    int hidden = 0;
    for (Index j = i - k; j <= last; ++j) {
      if (j == i) continue;
      const std::uint8_t c = seen[static_cast<std::size_t>(j)];
      if (c == base_hidden) {
        if (++hidden > max_hidden) return {};
        for (std::size_t f = 0; f < fillings; ++f) context[f] <<= 2;
        for (std::size_t f = fillings; f < 4 * fillings; ++f) context[f] = context[f % fillings] | (f / fillings);
        fillings *= 4;
      } else if (c < base_unknown) {
        for (std::size_t f = 0; f < fillings; ++f) context[f] = (context[f] << 2) | c;
      } else {
        return {};
      }
    }
    const std::uint32_t* table = table_[static_cast<std::size_t>(k)].data();
    std::uint64_t total = 0;
    std::uint32_t own = 0;
    for (std::size_t f = 0; f < fillings; ++f) {
      const std::uint32_t* n = table + 4 * context[f];
      own += n[letter];
      total += std::uint64_t{n[0]} + n[1] + n[2] + n[3];
    }
    return {static_cast<double>(total), own, hidden};
  }

 private:
  int context_bases(int k) const { return side_ == ContextSide::both ? 2 * k : k; }

  /// Bases first .. first + n - 1 as one number, first base most significant.
  static std::size_t word(std::span<const std::uint8_t> run, Index first, int n) {
    std::size_t w = 0;
    for (int j = 0; j < n; ++j) w = (w << 2) | run[static_cast<std::size_t>(first + j)];
    return w;
  }
  static std::size_t reverse_complement(std::size_t w, int n) {
    std::size_t r = 0;
    for (int j = 0; j < n; ++j, w >>= 2) r = (r << 2) | (3 - (w & 3));
    return r;
  }
  /// Table index of a word of 2k+1 bases: the middle base goes to the end.
  static std::size_t middle_last(std::size_t w, int k) {
    const std::size_t right = w & ((std::size_t{1} << (2 * k)) - 1);
    return ((((w >> (2 * k + 2)) << (2 * k)) | right) << 2) | ((w >> (2 * k)) & 3);
  }

  void add(std::span<const std::uint8_t> codes) {
    const auto length = codes.size();
    for (std::size_t begin = 0; begin < length;) {
      std::size_t end = begin;
      while (end < length && codes[end] < base_unknown) ++end;
      const auto run = codes.subspan(begin, end - begin);
      if (!run.empty()) side_ == ContextSide::both ? add_both(run) : add_left(run);
      begin = end + 1;
    }
  }

  /// f(word, reverse complement) for every word of n bases.
  template <class F>
  static void roll(std::span<const std::uint8_t> run, int n, F&& f) {
    const std::size_t mask = (std::size_t{1} << (2 * n)) - 1;
    std::size_t forward = 0, reverse = 0;
    for (std::size_t i = 0; i < run.size(); ++i) {
      forward = ((forward << 2) | run[i]) & mask;
      reverse = (reverse >> 2) | (std::size_t{3} - run[i]) << (2 * n - 2);
      if (i + 1 >= static_cast<std::size_t>(n)) f(forward, reverse);
    }
  }

  void add_both(std::span<const std::uint8_t> run) {
    const auto length = static_cast<Index>(run.size());
    std::uint32_t* top = table_.back().data();
    roll(run, 2 * max_order_ + 1, [&](std::size_t forward, std::size_t reverse) {
      ++top[middle_last(forward, max_order_)];
      ++top[middle_last(reverse, max_order_)];
    });
    for (Index i = 0; i < length; ++i) {
      const int k = static_cast<int>(std::min({i, length - 1 - i, Index{max_order_}}));
      if (k == max_order_) {
        i = length - 1 - max_order_;
        continue;
      }
      const std::size_t w = word(run, i - k, 2 * k + 1);
      ++table_[static_cast<std::size_t>(k)][middle_last(w, k)];
      ++table_[static_cast<std::size_t>(k)][middle_last(reverse_complement(w, 2 * k + 1), k)];
    }
  }

  void add_left(std::span<const std::uint8_t> run) {
    const auto length = static_cast<Index>(run.size());
    std::uint32_t* top = table_.back().data();
    roll(run, max_order_ + 1, [&](std::size_t forward, std::size_t reverse) {
      ++top[forward];
      ++top[reverse];
    });
    for (int k = 0; k < max_order_ && k < length; ++k) {
      ++table_[static_cast<std::size_t>(k)][word(run, 0, k + 1)];
      ++table_[static_cast<std::size_t>(k)][reverse_complement(word(run, length - 1 - k, k + 1), k + 1)];
    }
  }

  /// Adds the table of order k to that of order k - 1: sums over the outermost context bases.
  void sum_down(int k) {
    const std::vector<std::uint32_t>& from = table_[static_cast<std::size_t>(k)];
    std::vector<std::uint32_t>& to = table_[static_cast<std::size_t>(k) - 1];
    if (side_ == ContextSide::left) {
      for (std::size_t i = 0; i < from.size(); ++i) to[i & (to.size() - 1)] += from[i];
      return;
    }
    const std::size_t inner = to.size() / 4;
    for (std::size_t i = 0; i < from.size(); i += 16) {
      const std::size_t context = (i / 16) & (inner - 1);
      for (std::size_t x = 0; x < 16; ++x) to[4 * context + (x & 3)] += from[i + x];
    }
  }

  ContextSide side_;
  int max_order_;
  std::vector<std::vector<std::uint32_t>> table_;
};

}  // namespace ligase::inline LIGASE_ISA
