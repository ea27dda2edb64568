#pragma once

#include <ligase/data/batch.hpp>
#include <ligase/tasks/context_model.hpp>
#include <ligase/tasks/measure.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

namespace detail {

/// Ids of each of A, C, G, T in a vocabulary with one token per base: upper and lower case, where they differ.
inline LetterIds ids_of_letters(const AnyTokenizer& tokenizer) {
  LetterIds ids;
  for (std::size_t x = 0; x < 4; ++x)
    for (const char letter : {"ACGT"[x], "acgt"[x]}) {
      const TokenId id = tokenizer.encode(std::string(1, letter)).at(0);
      if (id != tokenizer.unknown() && std::find(ids.of[x].begin(), ids.of[x].end(), id) == ids.of[x].end())
        ids.of[x].push_back(id);
    }
  return ids;
}

/// One token per base.
class BaseMeasure final : public Measure {
 public:
  /// Without seeds: causal.
  BaseMeasure(const AnyTokenizer& tokenizer, MaskSeeds seeds, bool spans, std::array<double, 4> first_letter)
      : tokenizer_(tokenizer), targets_(target_ids_of(tokenizer)), letters_(ids_of_letters(tokenizer)),
        seeds_(std::move(seeds)), spans_(spans), first_letter_(first_letter) {}

  Index passes() const override { return std::max<Index>(1, std::ssize(seeds_)); }

  Pass prepare(const LetterWindow& window, Index number) const override {
    Pass pass{tokenizer_.encode(window.letters()), {}};
    const Index length = std::ssize(pass.ids);
    if (length != std::ssize(window.codes()))
      throw Error{{.kind = ErrorKind::internal, .what = "a window has another number of tokens than of bases"}};
    replace_unknown_bases(pass.ids, targets_);
    if (seeds_.empty()) {
      for (Index i = 1; i < length; ++i) pass.targets.push_back(i);
    } else {
      const std::uint64_t seed = seeds_[static_cast<std::size_t>(number)];
      pass.targets = spans_ ? hash_mask_spans(window.start(), length, seed) : hash_mask(window.start(), length, seed);
      for (Index i : pass.targets) pass.ids[static_cast<std::size_t>(i)] = targets_.mask;
    }
    return pass;
  }

  void score(const LetterWindow& window, const Pass& pass, const Rows& rows, WindowScore& sum) const override {
    const Index before = seeds_.empty() ? 1 : 0;
    for (Index i : pass.targets) {
      const std::uint8_t letter = window.codes()[static_cast<std::size_t>(i)];
      if (letter >= base_unknown) continue;
      const std::span<const double> row = rows(i - before);
      sum.add(letter_bits(row, letters_, letter), token_bits(row, letters_.of[letter]), 1);
    }
    if (!seeds_.empty() || window.codes().front() >= base_unknown) return;
    const double start = -std::log2(first_letter_[window.codes().front()]);
    sum.add(start, start, 1);
  }

 private:
  AnyTokenizer tokenizer_;
  TargetIds targets_;
  LetterIds letters_;
  MaskSeeds seeds_;
  bool spans_;
  std::array<double, 4> first_letter_;
};

}  // namespace detail

/// Single bases, masked: every position of hash_mask becomes [MASK] and is a target, p renormalised over A, C, G, T. Needs
/// one token per base and a [MASK]. Passes: mask seeds.
inline std::unique_ptr<Measure> masked_bases(const AnyTokenizer& tokenizer, MaskSeeds seeds) {
  return std::make_unique<detail::BaseMeasure>(tokenizer, std::move(seeds), false, std::array<double, 4>{});
}

/// Single bases, causal: every position is a target, read from the logits before it; position 0 pays for its letter's share.
inline std::unique_ptr<Measure> causal_bases(const AnyTokenizer& tokenizer, const std::array<double, 4>& first_letter) {
  return std::make_unique<detail::BaseMeasure>(tokenizer, MaskSeeds{}, false, first_letter);
}

}  // namespace ligase::inline LIGASE_ISA
