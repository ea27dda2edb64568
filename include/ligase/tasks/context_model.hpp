#pragma once

#include <ligase/core/error.hpp>
#include <ligase/core/parallel.hpp>
#include <ligase/core/platform.hpp>
#include <ligase/tasks/base_window.hpp>
#include <ligase/tasks/bits_per_base.hpp>
#include <ligase/tasks/context_counts.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// What is hidden while a model is tuned or scored. With seeds: the bases of hash_mask under each seed, which are the targets.
/// Without: nothing, and every base is a target (the full context, which causal models have on their left).
using MaskSeeds = std::vector<std::uint64_t>;

/// Probability of one letter under one order: masked context bases summed over, or plain back-off to the longest wholly
/// visible context. Equal where nothing is masked.
struct ContextProbability {
  double summed = 0;
  double backoff = 0;
};

/// Interpolated context model: P_k(x | c_k) = (n_k(c, x) + b P_{k-1}(x)) / (N_k(c) + b), P_0 = (n(x) + 1) / (N + 4), one b per
/// order k and number m of masked context bases: the power of two with the least bits on tuning windows, orders ascending. Where
/// the context of order k leaves the window, holds an unknown base or too many masked ones (summed: more than four; back-off:
/// any), P_k = P_{k-1}.
class ContextModel {
 public:
  static constexpr int largest_exponent = 16;  ///< the grid is 2^0 .. 2^16

  /// Scores per order and window, targets of all seeds together: [max_order + 1][windows].
  struct Scores {
    std::vector<std::vector<WindowBits>> summed;
    std::vector<std::vector<WindowBits>> backoff;
  };

  /// Keeps a reference to counts. Time O(targets orders (4^m + grid)), memory 16 bytes per target and order. Throws an input
  /// error where there is nothing to count or to tune on.
  ContextModel(const ContextCounts& counts, std::span<const BaseWindow> tuning, const MaskSeeds& seeds,
               int threads = available_threads())
      : counts_(&counts), b_(static_cast<std::size_t>(counts.max_order()) + 1) {
    double all = 0;
    for (std::uint8_t x = 0; x < 4; ++x) all += counts.letter_count(x);
    if (all == 0 || tuning.empty())
      throw Error{{.kind = ErrorKind::input, .what = "a context model needs train windows with bases and tuning windows",
                   .expected = "at least one of each", .found = all == 0 ? "no train base" : "no tuning window"}};
    for (std::uint8_t x = 0; x < 4; ++x) share_[x] = (counts.letter_count(x) + 1.0) / (all + 4.0);
    tune(tuning, seeds, threads);
  }

  /// The constant b of order k = 1 .. max_order with m masked context bases.
  double smoothing(int k, int m) const { return b_[static_cast<std::size_t>(k)][static_cast<std::size_t>(m)]; }

  /// P(letter) at position i under the orders 0 .. max_order; `seen` holds base_hidden where a base is masked.
  std::vector<ContextProbability> probabilities(std::span<const std::uint8_t> seen, Index i, std::uint8_t letter) const {
    std::vector<ContextProbability> p{{share_[letter], share_[letter]}};
    for (int k = 1; k <= counts_->max_order(); ++k) {
      const ContextTally t = counts_->tally(k, seen, i, letter);
      const ContextProbability lower = p.back();
      p.push_back({next(k, t, lower.summed), t.hidden == 0 ? next(k, t, lower.backoff) : lower.backoff});
    }
    return p;
  }

  /// Bits of every window under every order.
  Scores score(std::span<const BaseWindow> windows, const MaskSeeds& seeds, int threads = available_threads()) const {
    const std::vector<std::vector<WindowBits>> empty(b_.size(), std::vector<WindowBits>(windows.size()));
    Scores result{empty, empty};
    parallel_for(threads, static_cast<Index>(windows.size()), [&](Index index) {
      const auto w = static_cast<std::size_t>(index);
      visit(windows[w], seeds, [&](std::span<const std::uint8_t> seen, Index i, std::uint8_t letter) {
        const std::vector<ContextProbability> p = probabilities(seen, i, letter);
        for (std::size_t k = 0; k < p.size(); ++k) {
          result.summed[k][w] += {-std::log2(p[k].summed), 1};
          result.backoff[k][w] += {-std::log2(p[k].backoff), 1};
        }
      });
    });
    return result;
  }

 private:
  using Constants = std::array<double, ContextCounts::max_hidden + 1>;

  double next(int k, const ContextTally& t, double lower) const {
    if (t.hidden < 0) return lower;
    const double b = smoothing(k, t.hidden);
    return (t.letter + b * lower) / (t.total + b);
  }

  /// f(window as it is seen, position, true letter) for every target.
  template <class F>
  static void visit(const BaseWindow& window, const MaskSeeds& seeds, F&& f) {
    const auto length = static_cast<Index>(window.codes.size());
    std::vector<std::uint8_t> seen(window.codes.begin(), window.codes.end());
    const auto target = [&](Index i) {
      const std::uint8_t letter = window.codes[static_cast<std::size_t>(i)];
      if (letter < base_unknown) f(std::span<const std::uint8_t>(seen), i, letter);
    };
    if (seeds.empty())
      for (Index i = 0; i < length; ++i) target(i);
    for (std::uint64_t seed : seeds) {
      const std::vector<Index> positions = hash_mask(window.start, length, seed);
      for (Index i : positions) seen[static_cast<std::size_t>(i)] = base_hidden;
      for (Index i : positions) target(i);
      for (Index i : positions) seen[static_cast<std::size_t>(i)] = window.codes[static_cast<std::size_t>(i)];
    }
  }

  /// Sum of -log2 (n + b q) / (N + b) over the targets with `hidden` masked context bases, four factors to a logarithm.
  template <class Targets>
  static double bits(const Targets& targets, const std::vector<double>& lower, int hidden, double b) {
    double sum = 0, product = 1;
    int factors = 0;
    for (std::size_t t = 0; t < targets.size(); ++t) {
      if (targets[t].hidden != hidden) continue;
      product *= (targets[t].letter + b * lower[t]) / (targets[t].total + b);
      if (++factors < 4) continue;
      sum -= std::log2(product);
      product = 1;
      factors = 0;
    }
    return sum - std::log2(product);
  }

  void tune(std::span<const BaseWindow> windows, const MaskSeeds& seeds, int threads) {
    const auto orders = static_cast<std::size_t>(counts_->max_order());
    std::vector<std::vector<ContextTally>> per_window(windows.size());  // of one window: [targets][orders]
    std::vector<std::vector<double>> shares(windows.size());
    parallel_for(threads, static_cast<Index>(windows.size()), [&](Index index) {
      const auto w = static_cast<std::size_t>(index);
      const auto length = static_cast<Index>(windows[w].codes.size());
      const Index places = seeds.empty() ? length : static_cast<Index>(seeds.size()) * masked_count(length);
      per_window[w].reserve(orders * static_cast<std::size_t>(places));
      visit(windows[w], seeds, [&](std::span<const std::uint8_t> seen, Index i, std::uint8_t letter) {
        shares[w].push_back(share_[letter]);
        for (std::size_t k = 1; k <= orders; ++k) per_window[w].push_back(counts_->tally(static_cast<int>(k), seen, i, letter));
      });
    });
    std::vector<double> lower;
    for (const auto& values : shares) lower.insert(lower.end(), values.begin(), values.end());
    std::vector<ContextTally> targets(lower.size());
    for (std::size_t k = 1; k <= orders; ++k) {
      std::size_t t = 0;
      for (const auto& tallies : per_window)
        for (std::size_t at = k - 1; at < tallies.size(); at += orders) targets[t++] = tallies[at];
      constexpr int grid = largest_exponent + 1;
      std::array<std::array<double, grid>, ContextCounts::max_hidden + 1> cost{};
      parallel_for(threads, grid * static_cast<Index>(cost.size()), [&](Index j) {
        const int m = static_cast<int>(j) / grid, exponent = static_cast<int>(j) % grid;
        cost[static_cast<std::size_t>(m)][static_cast<std::size_t>(exponent)] =
            bits(targets, lower, m, std::ldexp(1.0, exponent));
      });
      for (std::size_t m = 0; m < cost.size(); ++m) {
        const auto best = std::min_element(cost[m].begin(), cost[m].end()) - cost[m].begin();
        const bool unseen = cost[m].front() == cost[m].back();
        b_[k][m] = std::ldexp(1.0, unseen ? largest_exponent : static_cast<int>(best));
      }
      for (t = 0; t < targets.size(); ++t) lower[t] = next(static_cast<int>(k), targets[t], lower[t]);
    }
  }

  const ContextCounts* counts_;
  std::array<double, 4> share_{};
  std::vector<Constants> b_;
};

}  // namespace ligase::inline LIGASE_ISA
