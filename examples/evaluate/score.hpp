#pragma once

#include <ligase/core/error.hpp>
#include <ligase/core/tensor.hpp>
#include <ligase/data/batch.hpp>
#include <ligase/data/masking.hpp>
#include <ligase/seq/alphabet.hpp>
#include <ligase/seq/tokenizer/char.hpp>
#include <ligase/tasks/base_window.hpp>
#include <ligase/tasks/bits_per_base.hpp>
#include <ligase/tasks/context_model.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase_cli {

using ligase::Index;

/// A window to score: its letters and the 0-based coordinate of the first in its chromosome.
class LetterWindow {
 public:
  LetterWindow(std::string letters, Index start)
      : start_(start), letters_(std::move(letters)), codes_(letters_.size()) {
    std::transform(letters_.begin(), letters_.end(), codes_.begin(), ligase::base_code);
  }

  std::string_view letters() const { return letters_; }
  std::span<const std::uint8_t> codes() const { return codes_; }
  std::uint64_t start() const { return static_cast<std::uint64_t>(start_); }
  ligase::BaseWindow bases() const { return {codes_, start()}; }

 private:
  Index start_;
  std::string letters_;
  std::vector<std::uint8_t> codes_;
};

/// Bits of one window, all mask seeds together: -log2 p of the true letters, p over the four letters, and p over the whole
/// vocabulary.
struct WindowScore {
  ligase::WindowBits letters, vocabulary;
};

/// Scores windows under the measure of bits per base with single-base tokens. Masked: every position of hash_mask becomes
/// [MASK] and is a target, once per seed. Causal: every position is a target, read from the logits before it; position 0, which
/// no token precedes, pays for its letter's share. N is read as [PAD], as in training.
class WindowScorer {
 public:
  static WindowScorer masked(ligase::MaskSeeds seeds) { return WindowScorer(std::move(seeds), {}); }
  static WindowScorer causal(const std::array<double, 4>& first_letter) { return WindowScorer({}, first_letter); }

  /// Passes over a window: one per mask seed.
  Index passes() const { return std::max<Index>(1, static_cast<Index>(seeds_.size())); }

  /// `windows` have one length. `logits` maps ids [B, L], B <= batch, to [B, L, V]. `done` is told how many passes are made.
  template <class Logits, class Done>
  std::vector<WindowScore> operator()(std::span<const LetterWindow> windows, Index batch, Logits&& logits,
                                      Done&& done) const {
    std::vector<WindowScore> scores(windows.size());
    const Index all = passes() * static_cast<Index>(windows.size());
    for (Index first = 0; first < all; first += batch) {
      const Index end = std::min(all, first + batch);
      const auto length = static_cast<Index>(windows.front().codes().size());
      ligase::Tensor<ligase::TokenId> ids({end - first, length});
      std::vector<std::vector<Index>> targets;
      const auto row = [length](auto values, Index r, Index size) {
        return values.subspan(static_cast<std::size_t>(r * length * size), static_cast<std::size_t>(length * size));
      };
      for (Index i = first; i < end; ++i)
        targets.push_back(prepare(windows[number(i)], i % passes(), row(ids.span(), i - first, 1)));
      const auto y = logits(std::as_const(ids));
      const Index vocabulary = y.shape()[-1];
      for (Index i = first; i < end; ++i)
        score(windows[number(i)].codes(), targets[static_cast<std::size_t>(i - first)],
              row(y.span(), i - first, vocabulary), vocabulary, scores[number(i)]);
      done(end);
    }
    return scores;
  }

 private:
  WindowScorer(ligase::MaskSeeds seeds, const std::array<double, 4>& first_letter)
      : seeds_(std::move(seeds)), first_letter_(first_letter) {}

  std::size_t number(Index pass) const { return static_cast<std::size_t>(pass / passes()); }

  /// Writes what the model reads to `ids` and returns the targets.
  std::vector<Index> prepare(const LetterWindow& window, Index pass, std::span<ligase::TokenId> ids) const {
    const std::vector<ligase::TokenId> tokens = ligase::CharTokenizer{}.encode(window.letters());
    if (tokens.size() != ids.size())
      throw ligase::Error{{.kind = ligase::ErrorKind::internal, .what = "windows of different lengths"}};
    std::copy(tokens.begin(), tokens.end(), ids.begin());
    ligase::replace_unknown_bases(ids, {});
    const auto length = static_cast<Index>(ids.size());
    std::vector<Index> targets;
    if (seeds_.empty()) {
      for (Index i = 1; i < length; ++i) targets.push_back(i);
    } else {
      targets = ligase::hash_mask(window.start(), length, seeds_[static_cast<std::size_t>(pass)]);
      for (Index i : targets) ids[static_cast<std::size_t>(i)] = ligase::CharTokenizer::mask;
    }
    return targets;
  }

  template <class T>
  void score(std::span<const std::uint8_t> codes, const std::vector<Index>& targets, std::span<const T> logits,
             Index vocabulary, WindowScore& sum) const {
    const Index offset = seeds_.empty() ? -1 : 0;
    ligase::LetterIds letters;
    std::array<ligase::LetterIds, 4> whole;  // of letter x: its id, then all others
    for (std::size_t x = 0; x < 4; ++x) {
      const Index own = ligase::CharTokenizer{}.id_of("ACGT"[x]);
      letters.of[x] = whole[x].of[0] = {own};
      for (Index id = 0; id < vocabulary; ++id)
        if (id != own) whole[x].of[1].push_back(id);
    }
    sum.letters += score_window(codes, std::span<const Index>(targets), logits, vocabulary, letters, offset);
    for (Index i : targets) {
      const std::uint8_t x = codes[static_cast<std::size_t>(i)];
      if (x >= ligase::base_unknown) continue;
      const auto y =
          logits.subspan(static_cast<std::size_t>((i + offset) * vocabulary), static_cast<std::size_t>(vocabulary));
      sum.vocabulary += {ligase::letter_bits(y, whole[x], 0), 1};
    }
    if (!seeds_.empty() || codes.front() >= ligase::base_unknown) return;
    const ligase::WindowBits start{-std::log2(first_letter_[codes.front()]), 1};
    sum.letters += start;
    sum.vocabulary += start;
  }

  ligase::MaskSeeds seeds_;  // empty: causal
  std::array<double, 4> first_letter_;
};

}  // namespace ligase_cli
