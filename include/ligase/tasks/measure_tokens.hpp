#pragma once

#include <ligase/data/batch.hpp>
#include <ligase/tasks/measure.hpp>

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

namespace detail {

class TokenMeasure final : public Measure {
 public:
  TokenMeasure(const AnyTokenizer& tokenizer, std::vector<double> first_token)
      : tokenizer_(tokenizer), first_token_(std::move(first_token)) {}

  Index passes() const override { return 1; }

  Pass prepare(const LetterWindow& window, Index) const override {
    Pass pass{tokenizer_.encode(window.letters()), {}};
    if (pass.ids.empty())
      throw Error{{.kind = ErrorKind::input, .what = "a window gives no token", .where = tokenizer_.name() + " tokenizer"}};
    return pass;
  }

  void score(const LetterWindow& window, const Pass& pass, const Rows& rows, WindowScore& sum) const override {
    double bits = -std::log2(first_token_[static_cast<std::size_t>(pass.ids.front())]);
    for (Index t = 1; t < std::ssize(pass.ids); ++t) {
      const Index own[]{pass.ids[static_cast<std::size_t>(t)]};
      bits += token_bits(rows(t - 1), own);
    }
    sum.add(bits, bits, std::ssize(window.codes()));
    sum.tokens += std::ssize(pass.ids) - 1;
  }

 private:
  AnyTokenizer tokenizer_;
  std::vector<double> first_token_;
};

}  // namespace detail

/// Any tokens, causal: -log2 p of all tokens over the bases of the window, an exact likelihood of this segmentation; the first
/// token pays for its share `first_token[id]`.
inline std::unique_ptr<Measure> causal_tokens(const AnyTokenizer& tokenizer, std::vector<double> first_token) {
  return std::make_unique<detail::TokenMeasure>(tokenizer, std::move(first_token));
}

/// Shares of the tokens of all windows, each token seen once more than it was.
inline std::vector<double> token_shares(const AnyTokenizer& tokenizer, std::span<const BaseWindow> windows) {
  std::vector<double> shares(static_cast<std::size_t>(tokenizer.vocab_size()), 1);
  auto all = static_cast<double>(tokenizer.vocab_size());
  for (const BaseWindow& window : windows) {
    std::string letters;
    for (std::uint8_t code : window.codes) letters += "ACGTN"[std::min(code, base_unknown)];
    for (TokenId id : tokenizer.encode(letters)) ++shares[static_cast<std::size_t>(id)], ++all;
  }
  for (double& share : shares) share /= all;
  return shares;
}

}  // namespace ligase::inline LIGASE_ISA
