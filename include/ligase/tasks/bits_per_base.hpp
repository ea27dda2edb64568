#pragma once

#include <ligase/core/error.hpp>
#include <ligase/core/platform.hpp>
#include <ligase/core/random.hpp>
#include <ligase/tasks/base_window.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// h(g) of genome coordinate g under a mask seed: splitmix64(g + seed 2^40 mod 2^64).
constexpr std::uint64_t mask_hash(std::uint64_t coordinate, std::uint64_t seed) {
  return splitmix64(coordinate + (seed << 40));
}

/// How many of `count` places are hidden: floor(0.15 count + 0.5), in integers.
constexpr Index masked_count(Index count) { return (15 * count + 50) / 100; }

/// Offsets of the places `start + i step`, i = 0 .. ceil(length / step) - 1, with the smallest hashes, ascending.
inline std::vector<Index> hash_mask_every(std::uint64_t start, Index length, Index step, std::uint64_t seed) {
  std::vector<std::pair<std::uint64_t, Index>> places;
  for (Index i = 0; i < length; i += step) places.emplace_back(mask_hash(start + static_cast<std::uint64_t>(i), seed), i);
  const Index n = masked_count(static_cast<Index>(places.size()));
  std::nth_element(places.begin(), places.begin() + n, places.end());
  std::vector<Index> offsets;
  for (Index j = 0; j < n; ++j) offsets.push_back(places[static_cast<std::size_t>(j)].second);
  std::sort(offsets.begin(), offsets.end());
  return offsets;
}

/// Offsets that the measure hides in the window of `length` bp at chromosome coordinate `start`: the floor(0.15 length + 0.5)
/// positions with the smallest hash, ascending. Depends on coordinates alone, never on the letters.
inline std::vector<Index> hash_mask(std::uint64_t start, Index length, std::uint64_t seed) {
  return hash_mask_every(start, length, 1, seed);
}

/// The span measure's form: the window is cut into spans of `span` bp (the last may be shorter); all offsets of the 15 % of
/// spans whose first base has the smallest hash, ascending.
inline std::vector<Index> hash_mask_spans(std::uint64_t start, Index length, std::uint64_t seed, Index span = 6) {
  std::vector<Index> offsets;
  for (Index first : hash_mask_every(start, length, span, seed))
    for (Index i = first; i < std::min(length, first + span); ++i) offsets.push_back(i);
  return offsets;
}

/// Vocabulary ids of the letters A, C, G, T. Several ids of one letter (upper and lower case) have their probabilities added.
struct LetterIds {
  std::array<std::vector<Index>, 4> of;
};

/// -log2 p(letter), p renormalised over the four letters: log2(sum of exp(y) over all ids of letters) - log2(the same over
/// the ids of `letter`), in double. logits: [V]; ids must lie in it. Throws a numeric error where no number comes out.
template <class T>
double letter_bits(std::span<const T> logits, const LetterIds& ids, std::uint8_t letter) {
  double highest = -std::numeric_limits<double>::infinity();
  for (const auto& letter_ids : ids.of)
    for (Index id : letter_ids) highest = std::max(highest, static_cast<double>(logits[static_cast<std::size_t>(id)]));
  double all = 0, own = 0;
  for (std::size_t x = 0; x < 4; ++x) {
    double sum = 0;
    for (Index id : ids.of[x]) sum += std::exp(static_cast<double>(logits[static_cast<std::size_t>(id)]) - highest);
    all += sum;
    if (x == letter) own = sum;
  }
  if (!std::isfinite(all))
    throw Error{{.kind = ErrorKind::numeric, .what = "the logits of A, C, G, T give no probabilities",
                 .expected = "finite numbers", .found = "NaN or infinity"}};
  if (own > 0) return std::log2(all) - std::log2(own);
  double own_highest = -std::numeric_limits<double>::infinity();
  for (Index id : ids.of[letter]) own_highest = std::max(own_highest, static_cast<double>(logits[static_cast<std::size_t>(id)]));
  return std::log2(all) + (highest - own_highest) / 0.693147180559945309417;
}

/// Sum of -log2 p over the targets of one window (of all its mask seeds), and how many they are.
struct WindowBits {
  double bits = 0;
  Index targets = 0;

  WindowBits& operator+=(const WindowBits& other) {
    bits += other.bits;
    targets += other.targets;
    return *this;
  }
  double mean() const { return bits / static_cast<double>(targets); }
};

/// Scores one window. codes: [L]; logits: [rows, V] of the masked window; position i is read from row i + row_offset (0 for
/// bare characters, 1 after a leading special token, -1 for a causal model without a start symbol). Positions whose true letter
/// is no base are no targets. Throws a shape error where a row or an id lies outside the logits.
template <class T>
WindowBits score_window(std::span<const std::uint8_t> codes, std::span<const Index> positions, std::span<const T> logits,
                        Index vocabulary, const LetterIds& ids, Index row_offset = 0) {
  for (const auto& letter_ids : ids.of) {
    const bool inside = std::all_of(letter_ids.begin(), letter_ids.end(), [&](Index id) { return id >= 0 && id < vocabulary; });
    if (letter_ids.empty() || !inside)
      throw Error{{.kind = ErrorKind::shape, .what = "every letter needs ids inside the vocabulary",
                   .expected = "ids in 0 .. " + std::to_string(vocabulary - 1)}};
  }
  WindowBits score;
  for (Index i : positions) {
    const Index row = i + row_offset;
    if (i < 0 || i >= static_cast<Index>(codes.size()) || row < 0 || (row + 1) * vocabulary > static_cast<Index>(logits.size()))
      throw Error{{.kind = ErrorKind::shape, .what = "a masked position has no logits",
                   .expected = "positions inside window and logits", .found = "position " + std::to_string(i)}};
    const std::uint8_t letter = codes[static_cast<std::size_t>(i)];
    if (letter >= base_unknown) continue;
    score += {letter_bits(logits.subspan(static_cast<std::size_t>(row * vocabulary), static_cast<std::size_t>(vocabulary)), ids,
                          letter), 1};
  }
  return score;
}

/// A mean with its standard error and the number of windows behind it.
struct MeanError {
  double mean = 0;
  double standard_error = 0;  ///< NaN for fewer than two windows
  Index windows = 0;
};

namespace detail {

/// Standard deviation (n - 1) of the values divided by sqrt(n).
inline double standard_error(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  if (values.size() < 2) return std::numeric_limits<double>::quiet_NaN();
  double sum = 0, squares = 0;
  for (double v : values) sum += v;
  for (double v : values) squares += (v - sum / n) * (v - sum / n);
  return std::sqrt(squares / (n - 1) / n);
}

}  // namespace detail

/// Bits per base over a set of windows: `bits` is the mean over all targets, the error that of the window means.
struct BitsPerBase {
  double bits = 0;
  double standard_error = 0;  ///< NaN for fewer than two windows
  Index windows = 0;          ///< windows with at least one target
  Index targets = 0;

  double perplexity() const { return std::exp2(bits); }
  double nats() const { return bits * 0.693147180559945309417; }
};

/// Summary of per-window scores; windows without a target do not count. No target at all: bits is NaN.
inline BitsPerBase bits_per_base(std::span<const WindowBits> scores) {
  WindowBits total;
  std::vector<double> means;
  for (const WindowBits& s : scores) {
    if (s.targets == 0) continue;
    total += s;
    means.push_back(s.mean());
  }
  return {total.mean(), detail::standard_error(means), static_cast<Index>(means.size()), total.targets};
}

/// Paired difference of two models on the same windows: mean over windows of (a's window mean - b's), its standard error over
/// windows. Windows in which either has no target are left out. Throws a shape error for lists of different lengths.
inline MeanError paired_difference(std::span<const WindowBits> a, std::span<const WindowBits> b) {
  if (a.size() != b.size())
    throw Error{{.kind = ErrorKind::shape, .what = "a paired difference needs the same windows on both sides",
                 .expected = std::to_string(a.size()) + " windows", .found = std::to_string(b.size())}};
  std::vector<double> differences;
  double sum = 0;
  for (std::size_t w = 0; w < a.size(); ++w) {
    if (a[w].targets == 0 || b[w].targets == 0) continue;
    differences.push_back(a[w].mean() - b[w].mean());
    sum += differences.back();
  }
  return {sum / static_cast<double>(differences.size()), detail::standard_error(differences),
          static_cast<Index>(differences.size())};
}

}  // namespace ligase::inline LIGASE_ISA
