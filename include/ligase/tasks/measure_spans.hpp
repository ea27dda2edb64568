#pragma once

#include <ligase/data/batch.hpp>
#include <ligase/tasks/context_model.hpp>
#include <ligase/tasks/measure.hpp>
#include <ligase/tasks/measure_bases.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

namespace detail {

/// Which of the tokens stand over a hidden base.
inline std::vector<bool> covered(const std::vector<Span>& spans, std::span<const Index> hidden, Index length) {
  std::vector<Index> before(static_cast<std::size_t>(length) + 1, 0);
  for (Index i : hidden) before[static_cast<std::size_t>(i) + 1] = 1;
  for (std::size_t i = 1; i < before.size(); ++i) before[i] += before[i - 1];
  std::vector<bool> is(spans.size());
  for (std::size_t t = 0; t < spans.size(); ++t)
    is[t] = before[static_cast<std::size_t>(spans[t].end)] > before[static_cast<std::size_t>(spans[t].begin)];
  return is;
}

inline void hide(Pass& pass, const std::vector<bool>& tokens, TokenId mask) {
  for (std::size_t t = 0; t < tokens.size(); ++t)
    if (tokens[t]) pass.ids[t] = mask;
}

/// Tokens side by side.
class SpanMeasure final : public Measure {
 public:
  SpanMeasure(const AnyTokenizer& tokenizer, MaskSeeds seeds)
      : tokenizer_(tokenizer), targets_(target_ids_of(tokenizer)), seeds_(std::move(seeds)) {}

  Index passes() const override { return std::ssize(seeds_); }

  Pass prepare(const LetterWindow& window, Index number) const override {
    Pass pass;
    pass.window = tokenizer_.encode_spans(window.letters());
    pass.ids = pass.window.ids;
    const Index length = std::ssize(window.codes());
    const std::uint64_t seed = seeds_[static_cast<std::size_t>(number)];
    const auto tokens = covered(pass.window.spans, hash_mask_spans(window.start(), length, seed), length);
    for (std::size_t t = 0; t < tokens.size(); ++t)
      if (tokens[t]) pass.targets.push_back(static_cast<Index>(t));
    replace_unknown_bases(pass.ids, targets_);
    hide(pass, tokens, targets_.mask);
    return pass;
  }

  void score(const LetterWindow&, const Pass& pass, const Rows& rows, WindowScore& sum) const override {
    const Encoding& e = pass.window;
    for (Index t : pass.targets) {
      const auto place = static_cast<std::size_t>(t);
      if (e.ids[place] == targets_.unknown_base || e.ids[place] == tokenizer_.unknown()) continue;
      const Index own[]{e.ids[place]};
      const double bits = token_bits(rows(t), own);
      sum.add(bits, bits, e.spans[place].end - e.spans[place].begin);
    }
  }

 private:
  AnyTokenizer tokenizer_;
  TargetIds targets_;
  MaskSeeds seeds_;
};

/// Tokens of one width that overlap.
class OverlapMeasure final : public Measure {
 public:
  OverlapMeasure(const AnyTokenizer& tokenizer, MaskSeeds seeds)
      : tokenizer_(tokenizer), targets_(target_ids_of(tokenizer)), seeds_(std::move(seeds)) {
    width_ = targets_.mask_left + 1 + targets_.mask_right;
    for (TokenId id = 0; id < tokenizer_.vocab_size(); ++id) {
      const std::string letters = tokenizer_.decode(std::span(&id, 1));
      const bool kmer = std::ssize(letters) == width_ &&
                        std::all_of(letters.begin(), letters.end(), [](char c) { return base_code(c) < base_unknown; });
      if (kmer) of_middle_.of[base_code(letters[static_cast<std::size_t>(targets_.mask_left)])].push_back(id);
    }
  }

  Index passes() const override { return std::ssize(seeds_); }

  Pass prepare(const LetterWindow& window, Index number) const override {
    const Encoding e = tokenizer_.encode_spans(window.letters());
    Pass pass{e.ids, {}};
    const Index length = std::ssize(window.codes());
    pass.targets = hash_mask_spans(window.start(), length, seeds_[static_cast<std::size_t>(number)]);
    hide(pass, covered(e.spans, pass.targets, length), targets_.mask);
    return pass;
  }

  void score(const LetterWindow& window, const Pass& pass, const Rows& rows, WindowScore& sum) const override {
    for (Index i : pass.targets) {
      const std::uint8_t letter = window.codes()[static_cast<std::size_t>(i)];
      const Index token = i - targets_.mask_left;
      if (letter >= base_unknown || token < 0 || token >= std::ssize(pass.ids)) continue;
      const std::span<const double> row = rows(token);
      sum.add(letter_bits(row, of_middle_, letter), token_bits(row, of_middle_.of[letter]), 1);
    }
  }

 private:
  AnyTokenizer tokenizer_;
  TargetIds targets_;
  MaskSeeds seeds_;
  Index width_ = 0;
  LetterIds of_middle_;
};

}  // namespace detail

/// Any tokens, masked: spans of 6 bases are hidden by masking every token that overlaps one (hash_mask_spans).
///   one token per base        targets are the hidden bases, p renormalised over A, C, G, T
///   tokens that overlap       targets are the hidden bases; p of a base is the marginal, over all tokens of that width, of the
///                             token in whose middle it stands (of an even width: left of the middle); bases in the middle of
///                             none are left out
///   others                    -log2 p of the masked tokens, over the bases that they cover; unknown tokens are no targets
inline std::unique_ptr<Measure> masked_spans(const AnyTokenizer& tokenizer, MaskSeeds seeds) {
  if (reads_single_bases(tokenizer))
    return std::make_unique<detail::BaseMeasure>(tokenizer, std::move(seeds), true, std::array<double, 4>{});
  if (target_ids_of(tokenizer).mask_right > 0)
    return std::make_unique<detail::OverlapMeasure>(tokenizer, std::move(seeds));
  return std::make_unique<detail::SpanMeasure>(tokenizer, std::move(seeds));
}

}  // namespace ligase::inline LIGASE_ISA
