#pragma once

#include <ligase/core/parallel.hpp>
#include <ligase/core/platform.hpp>
#include <ligase/tasks/base_window.hpp>
#include <ligase/tasks/bits_per_base.hpp>
#include <ligase/tasks/context_counts.hpp>
#include <ligase/tasks/context_model.hpp>

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// One context model on the scored windows: a name, the bits, and the windows behind them (in the order given).
struct ContextScore {
  std::string name;
  BitsPerBase bits;
  std::vector<WindowBits> windows;
};

struct ContextOptions {
  int two_sided_order = 6;
  int left_order = 11;
  Index tuning_windows = 3128;  ///< of the valid windows, rows floor(j W / n): every 4th of human chr20's
  int threads = available_threads();
};

namespace detail {

inline std::vector<BaseWindow> tuning_sample(std::span<const BaseWindow> valid, Index n) {
  std::vector<BaseWindow> windows;
  for (Index row : sample_rows(static_cast<Index>(valid.size()), n)) windows.push_back(valid[static_cast<std::size_t>(row)]);
  return windows;
}

inline void append(std::vector<ContextScore>& scores, std::string name, std::vector<WindowBits> windows) {
  const BitsPerBase bits = bits_per_base(windows);
  scores.push_back({std::move(name), bits, std::move(windows)});
}

}  // namespace detail

/// Context models under the masked measure, counted on train, tuned on valid with mask seed 0, scored on test with `seeds`:
/// "order_0", "two_sided_1" .. "two_sided_6", "left_1" .. "left_11" with masked context bases summed over, each of order 1 and
/// more followed by its plain back-off form, "two_sided_1_backoff". Memory: one side's tables at a time, 290 MB at most, and
/// 100 MB for tuning.
inline std::vector<ContextScore> masked_context_scores(std::span<const BaseWindow> train, std::span<const BaseWindow> valid,
                                                       std::span<const BaseWindow> test, const MaskSeeds& seeds,
                                                       const ContextOptions& options = {}) {
  const std::vector<BaseWindow> tuning = detail::tuning_sample(valid, options.tuning_windows);
  std::vector<ContextScore> scores;
  for (ContextSide side : {ContextSide::both, ContextSide::left}) {
    const bool both = side == ContextSide::both;
    const ContextCounts counts(side, both ? options.two_sided_order : options.left_order, train);
    auto [summed, backoff] = ContextModel(counts, tuning, {0}, options.threads).score(test, seeds, options.threads);
    if (both) detail::append(scores, "order_0", std::move(summed[0]));
    for (std::size_t k = 1; k < summed.size(); ++k) {
      const std::string name = (both ? "two_sided_" : "left_") + std::to_string(k);
      detail::append(scores, name, std::move(summed[k]));
      detail::append(scores, name + "_backoff", std::move(backoff[k]));
    }
  }
  return scores;
}

/// Context models for causal models: every base of a window from all bases on its left, nothing masked: "order_0", "left_1" to
/// "left_11". Never compared with masked values.
inline std::vector<ContextScore> causal_context_scores(std::span<const BaseWindow> train, std::span<const BaseWindow> valid,
                                                       std::span<const BaseWindow> test, const ContextOptions& options = {}) {
  // A window has 1,024 targets here, not 154: fewer windows do.
  const std::vector<BaseWindow> tuning = detail::tuning_sample(valid, options.tuning_windows / 4);
  const ContextCounts counts(ContextSide::left, options.left_order, train);
  ContextModel::Scores found = ContextModel(counts, tuning, {}, options.threads).score(test, {}, options.threads);
  std::vector<ContextScore> scores;
  for (std::size_t k = 0; k < found.summed.size(); ++k)
    detail::append(scores, k == 0 ? "order_0" : "left_" + std::to_string(k), std::move(found.summed[k]));
  return scores;
}

}  // namespace ligase::inline LIGASE_ISA
