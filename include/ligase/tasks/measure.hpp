#pragma once

#include <ligase/core/error.hpp>
#include <ligase/core/tensor.hpp>
#include <ligase/seq/alphabet.hpp>
#include <ligase/seq/tokenizer/tokenizer.hpp>
#include <ligase/tasks/base_window.hpp>
#include <ligase/tasks/bits_per_base.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// A window to score: its letters, in upper case as in training, and the 0-based coordinate of the first in its chromosome.
class LetterWindow {
 public:
  LetterWindow(std::string letters, Index start)
      : start_(start), letters_(std::move(letters)), codes_(letters_.size()) {
    std::transform(letters_.begin(), letters_.end(), letters_.begin(), to_upper);
    std::transform(letters_.begin(), letters_.end(), codes_.begin(), base_code);
  }

  std::string_view letters() const { return letters_; }
  std::span<const std::uint8_t> codes() const { return codes_; }
  std::uint64_t start() const { return static_cast<std::uint64_t>(start_); }
  BaseWindow bases() const { return {codes_, start()}; }

 private:
  Index start_;
  std::string letters_;
  std::vector<std::uint8_t> codes_;
};

/// Bits of one window, all passes together: -log2 p of what was scored, p as the measure defines it, and p over the whole
/// vocabulary. Targets are bases.
struct WindowScore {
  WindowBits letters, vocabulary;
  Index tokens = 0;  ///< tokens whose probability was asked for

  /// Bits of one token that stands for `bases` bases.
  void add(double of_letters, double of_vocabulary, Index bases) {
    letters += {of_letters, bases};
    vocabulary += {of_vocabulary, bases};
    ++tokens;
  }
};

/// Logits [L, V] of a pass, read row by row: a span is valid until the next call.
class Rows {
 public:
  virtual std::span<const double> operator()(Index token) const = 0;

 protected:
  ~Rows() = default;
};

/// What a model reads in one pass over a window, and what is scored of it: tokens or bases, as the measure has it.
struct Pass {
  std::vector<TokenId> ids;
  std::vector<Index> targets;
  Encoding window = {};  ///< the window as it is, of measures that ask for the tokens that they hid
};

/// How a window is shown to a model and scored. Passes: one for each mask seed, one for causal models.
class Measure {
 public:
  virtual ~Measure() = default;
  virtual Index passes() const = 0;
  virtual Pass prepare(const LetterWindow& window, Index pass) const = 0;
  virtual void score(const LetterWindow& window, const Pass& pass, const Rows& rows, WindowScore& sum) const = 0;
};

/// -log2 of the softmax of `logits` at `ids` together, in double. Throws a numeric error where no number comes out.
inline double token_bits(std::span<const double> logits, std::span<const Index> ids) {
  const double highest = *std::max_element(logits.begin(), logits.end());
  double all = 0, own = 0;
  for (double y : logits) all += std::exp(y - highest);
  for (Index id : ids) own += std::exp(logits[static_cast<std::size_t>(id)] - highest);
  if (own > 0 && std::isfinite(all)) return std::log2(all) - std::log2(own);
  double own_highest = -std::numeric_limits<double>::infinity();
  for (Index id : ids) own_highest = std::max(own_highest, logits[static_cast<std::size_t>(id)]);
  const double bits = std::log2(all) + (highest - own_highest) / 0.693147180559945309417;
  if (!std::isfinite(bits))
    throw Error{{.kind = ErrorKind::numeric,
                         .what = "the logits give no probabilities",
                         .expected = "finite numbers",
                         .found = "NaN or infinity"}};
  return bits;
}

namespace detail {

/// Rows of logits [1, L, V] from row `begin` on.
template <class Y>
class RowsOf final : public Rows {
 public:
  RowsOf(const Y& y, Index begin) : y_(y), begin_(begin), row_(static_cast<std::size_t>(y.shape()[-1])) {}
  std::span<const double> operator()(Index token) const override {
    const Index size = std::ssize(row_);
    std::copy_n(y_.data() + (begin_ + token) * size, size, row_.begin());
    return row_;
  }

 private:
  const Y& y_;
  Index begin_;
  mutable std::vector<double> row_;
};

}  // namespace detail

/// Scores windows in packed batches of about `tokens_per_call` tokens. `logits` maps ids [1, L] and their offsets to
/// [1, L, V]. `done` is told how many passes are made.
template <class Logits, class Done>
std::vector<WindowScore> score_windows(const Measure& measure, std::span<const LetterWindow> windows, Index tokens_per_call,
                                       Logits&& logits, Done&& done) {
  std::vector<WindowScore> scores(windows.size());
  const Index passes = measure.passes(), all = passes * std::ssize(windows);
  const auto number = [&](Index i) { return static_cast<std::size_t>(i / passes); };
  for (Index first = 0, end = 0; first < all; first = end) {
    std::vector<Pass> batch;
    auto offsets = std::make_shared<std::vector<Index>>(1, 0);
    std::vector<TokenId> ids;
    for (; end < all && (end == first || offsets->back() < tokens_per_call); ++end) {
      const Pass& pass = batch.emplace_back(measure.prepare(windows[number(end)], end % passes));
      ids.insert(ids.end(), pass.ids.begin(), pass.ids.end());
      offsets->push_back(std::ssize(ids));
    }
    const auto y = logits(Tensor<TokenId>::from({1, std::ssize(ids)}, ids), offsets);
    for (Index i = first; i < end; ++i) {
      const auto place = static_cast<std::size_t>(i - first);
      measure.score(windows[number(i)], batch[place], detail::RowsOf(y, (*offsets)[place]), scores[number(i)]);
    }
    done(end);
  }
  return scores;
}

}  // namespace ligase::inline LIGASE_ISA
