#pragma once

#include <ligase/core/error.hpp>
#include <ligase/core/random.hpp>
#include <ligase/core/tensor.hpp>
#include <ligase/data/sampler.hpp>
#include <ligase/data/task.hpp>
#include <ligase/seq/alphabet.hpp>
#include <ligase/seq/tokenizer/any.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// The rows of a classification split as tokens of both strands, each encoded once: the first `length` tokens are kept (of
/// the reverse complement its own first), shorter rows are padded with [PAD] on the tokenizer's side. Lower case is read as
/// upper. Two bytes per token.
class LabelledRows {
 public:
  LabelledRows(const std::vector<LabelledSequence>& rows, const AnyTokenizer& tokenizer, Index length)
      : length_(length), pad_(tokenizer.pad().value_or(0)), pad_side_(tokenizer.pad_side()) {
    if (!tokenizer.pad())
      throw Error{{.kind = ErrorKind::usage,
                   .what = "rows cannot be padded: the vocabulary has no token for it",
                   .where = tokenizer.name() + " tokenizer"}};
    if (length < 1 || tokenizer.vocab_size() > std::numeric_limits<std::uint16_t>::max())
      throw Error{{.kind = ErrorKind::usage,
                   .what = "rows cannot be encoded",
                   .expected = "a length of at least 1 and at most 65535 tokens in the vocabulary",
                   .found = std::to_string(length) + " and " + std::to_string(tokenizer.vocab_size())}};
    for (const LabelledSequence& row : rows) {
      labels_.push_back(row.label);
      std::string upper = row.letters;
      std::transform(upper.begin(), upper.end(), upper.begin(), to_upper);
      for (const std::string& letters : {upper, reverse_complement(upper)}) {
        const std::vector<TokenId> ids = tokenizer.encode(letters);
        const auto kept = std::min(ids.size(), static_cast<std::size_t>(length));
        without_tokens_ += ids.empty();
        for (std::size_t i = 0; i < kept; ++i) tokens_.push_back(static_cast<std::uint16_t>(ids[i]));
        ends_.push_back(static_cast<Index>(tokens_.size()));
      }
    }
  }

  Index size() const { return static_cast<Index>(labels_.size()); }
  Index length() const { return length_; }
  Index label(Index row) const { return labels_[static_cast<std::size_t>(row)]; }
  /// Strands that gave no token at all: they are all padding.
  Index without_tokens() const { return without_tokens_; }

  /// Writes `length` ids of one strand.
  void fill(Index row, bool reverse, TokenId* to) const {
    const auto i = static_cast<std::size_t>(2 * row + reverse);
    const Index begin = i == 0 ? 0 : ends_[i - 1], used = ends_[i] - begin;
    const Index first = pad_side_ == PadSide::left ? length_ - used : 0;
    std::fill_n(to, length_, pad_);
    std::copy_n(tokens_.begin() + begin, used, to + first);
  }

 private:
  Index length_;
  TokenId pad_;
  PadSide pad_side_;
  Index without_tokens_ = 0;
  std::vector<Index> labels_, ends_;
  std::vector<std::uint16_t> tokens_;
};

/// Row numbers for training and for validation.
struct RowSplit {
  std::vector<Index> training, validation;
};

/// A random tenth (rounded down, at least one row) of 0 .. n-1 for validation, the rest for training; each in rising order.
/// A function of (n, seed) alone. Throws kind `input` for fewer than two rows.
inline RowSplit split_rows_for_validation(Index n, std::uint64_t seed) {
  if (n < 2)
    throw Error{{.kind = ErrorKind::input,
                 .what = "too few training rows to set some aside for validation",
                 .expected = "at least 2",
                 .found = std::to_string(n)}};
  const Permutation order(n, RandomStream{seed, 0, hash_name("data.validation_split")}.bits(0));
  const Index held_out = std::max<Index>(1, n / 10);
  RowSplit split;
  for (Index i = 0; i < n; ++i) (i < held_out ? split.validation : split.training).push_back(order(i));
  std::sort(split.training.begin(), split.training.end());
  std::sort(split.validation.begin(), split.validation.end());
  return split;
}

/// A batch for a classifier: ids [B, L], or [2 B, L] with the reverse complements behind; labels [B].
struct LabelledBatch {
  Tensor<TokenId> ids, labels;
};

/// The rows `picks`; reversed[i] != 0 (where given) takes the reverse complement of the i-th; `both` both strands.
inline LabelledBatch labelled_batch(const LabelledRows& rows, std::span<const Index> picks,
                                    std::span<const std::uint8_t> reversed, bool both) {
  const auto n = static_cast<Index>(picks.size());
  LabelledBatch batch{Tensor<TokenId>({both ? 2 * n : n, rows.length()}), Tensor<TokenId>({n})};
  for (Index i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const bool reverse = !reversed.empty() && reversed[at] != 0;
    batch.labels.data()[i] = static_cast<TokenId>(rows.label(picks[at]));
    rows.fill(picks[at], reverse, batch.ids.data() + i * rows.length());
    if (both) rows.fill(picks[at], !reverse, batch.ids.data() + (n + i) * rows.length());
  }
  return batch;
}

}  // namespace ligase::inline LIGASE_ISA
