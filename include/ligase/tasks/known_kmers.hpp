#pragma once

#include <ligase/core/parallel.hpp>
#include <ligase/core/platform.hpp>
#include <ligase/tasks/base_window.hpp>

#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// How many of a window's 24-mers stand in a set.
struct KnownShare {
  Index known = 0;
  Index total = 0;  ///< 24-mers of the window without an unknown base

  bool none() const { return known == 0; }
  double share() const { return total == 0 ? 0.0 : static_cast<double>(known) / static_cast<double>(total); }
};

/// The 24-mers of a set of windows, either strand: a k-mer and its reverse complement are one, the smaller of the two 48-bit
/// codes. K-mers cross neither window edges nor unknown bases. Memory: 8 bytes per base of text. Building scatters the codes
/// into 4,096 buckets by their highest bits and sorts each; the result does not depend on threads.
class KnownKmers {
 public:
  static constexpr int k = 24;

  explicit KnownKmers(std::span<const BaseWindow> windows, int threads = available_threads()) {
    std::vector<Index> end(bucket_count, 0);
    for (const BaseWindow& w : windows) visit(w.codes, [&](std::uint64_t code) { ++end[bucket(code)]; });
    std::inclusive_scan(end.begin(), end.end(), end.begin());
    codes_.resize(static_cast<std::size_t>(end.back()));
    std::vector<Index> at(bucket_count, 0);
    std::copy(end.begin(), end.end() - 1, at.begin() + 1);
    const std::vector<Index> begin = at;
    for (const BaseWindow& w : windows)
      visit(w.codes, [&](std::uint64_t code) { codes_[static_cast<std::size_t>(at[bucket(code)]++)] = code; });

    std::vector<Index> kept(bucket_count, 0);
    parallel_for(threads, bucket_count, [&](Index i) {
      const auto b = static_cast<std::size_t>(i);
      const auto first = codes_.begin() + begin[b], last = codes_.begin() + end[b];
      std::sort(first, last);
      kept[b] = std::unique(first, last) - first;
    });
    first_.assign(bucket_count + 1, 0);
    for (std::size_t b = 0; b < bucket_count; ++b) {
      std::copy(codes_.begin() + begin[b], codes_.begin() + begin[b] + kept[b], codes_.begin() + first_[b]);
      first_[b + 1] = first_[b] + kept[b];
    }
    codes_.resize(static_cast<std::size_t>(first_.back()));
  }

  /// Different 24-mers, either strand.
  Index size() const { return static_cast<Index>(codes_.size()); }

  /// The share of a window's 24-mers that stand in the set on either strand.
  KnownShare share(std::span<const std::uint8_t> window) const {
    KnownShare result;
    visit(window, [&](std::uint64_t code) {
      const std::size_t b = bucket(code);
      ++result.total;
      result.known += std::binary_search(codes_.begin() + first_[b], codes_.begin() + first_[b + 1], code) ? 1 : 0;
    });
    return result;
  }

 private:
  static constexpr std::size_t bucket_count = 4096;
  static constexpr std::size_t bucket(std::uint64_t code) { return static_cast<std::size_t>(code >> (2 * k - 12)); }

  /// f(canonical code) for every 24-mer of ACGT.
  template <class F>
  static void visit(std::span<const std::uint8_t> codes, F&& f) {
    constexpr std::uint64_t mask = (std::uint64_t{1} << (2 * k)) - 1;
    std::uint64_t forward = 0, reverse = 0;
    int run = 0;
    for (std::uint8_t c : codes) {
      if (c >= base_unknown) {
        run = 0;
        continue;
      }
      forward = ((forward << 2) | c) & mask;
      reverse = (reverse >> 2) | (std::uint64_t{3} - c) << (2 * k - 2);
      if (++run >= k) f(std::min(forward, reverse));
    }
  }

  std::vector<std::uint64_t> codes_;  // ascending, no duplicates
  std::vector<Index> first_;          // bucket b lies in codes_[first_[b], first_[b + 1])
};

}  // namespace ligase::inline LIGASE_ISA
