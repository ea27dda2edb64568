#pragma once

#include <ligase/core/tensor.hpp>
#include <ligase/data/dataset.hpp>
#include <ligase/data/masking.hpp>
#include <ligase/data/sampler.hpp>
#include <ligase/seq/alphabet.hpp>
#include <ligase/seq/tokenizer/any.hpp>
#include <ligase/seq/tokenizer/tokenizer.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// What a pretraining sample asks of the model.
enum class Objective { mlm, causal };

/// ids, labels: [B, L], or [1, tokens] of packed windows. A label equal to TargetIds::ignore does not count.
struct Batch {
  Tensor<TokenId> ids;
  Tensor<TokenId> labels;
  /// Packed windows: where each begins, and the end (Context::offsets); null where rows are windows.
  std::shared_ptr<const std::vector<Index>> offsets = {};
  Index bases = 0;  ///< letters of the windows
};

/// How windows become rows.
enum class Fit {
  padded,  ///< the first L tokens of each, [PAD] in front where there are fewer: what the original does
  packed,  ///< all tokens of each, end to end in one row
};

struct BatchOptions {
  Index batch_size = 1;
  Index length = 1024;  ///< L, in tokens, of Fit::padded
  Fit fit = Fit::padded;
  Objective objective = Objective::mlm;
  double mlm_probability = 0.15;
  bool rc_augment = false;             ///< reverse complement with probability 1/2; in training only
  bool rc_augment_evaluation = false;  ///< the same outside training: what the original does
  bool training = true;                ///< false: windows in their own order, each once, the last batch may be smaller
  Index samples_per_step = 0;          ///< samples per optimiser step, all micro-batches together; 0: batch_size
  std::uint64_t seed = 0;
  TargetIds target_ids = {};
};

/// The ids of another vocabulary: [MASK], [PAD] and the last target (its [SEP] or end-of-text token) where it has them,
/// the token that stands for N alone, and random replacements from the whole vocabulary; of tokens of k letters that
/// overlap, (k - 1) / 2 before and k / 2 behind a chosen one are masked with it. For CharTokenizer the defaults.
inline TargetIds target_ids_of(const AnyTokenizer& tokenizer) {
  TargetIds ids{.ignore = tokenizer.pad().value_or(-1), .unknown_base = -1};
  ids.end = tokenizer.end().value_or(ids.ignore);
  ids.mask = tokenizer.mask().value_or(-1);
  if (const std::vector<TokenId> n = tokenizer.encode("N"); n.size() == 1 && n.front() != tokenizer.unknown())
    ids.unknown_base = n.front();
  ids.first_random = 0;
  ids.last_random = static_cast<TokenId>(tokenizer.vocab_size() - 1);
  const std::vector<Span> spans = tokenizer.encode_spans("ACGTACGTACGTACGTACGT").spans;
  if (spans.size() > 1 && spans[1].begin < spans[0].end) {
    const Index k = spans[0].end - spans[0].begin;
    ids.mask_left = (k - 1) / 2;
    ids.mask_right = k / 2;
  }
  return ids;
}

/// Makes batch number k of a data set: a pure function of (data, options, k), callable from several threads. Sample
/// number g = k B + b of a run depends on (seed, g) only, so batches may be cut otherwise (accumulation) without
/// another sample. In training, g is mapped to a window by EpochSampler; otherwise window g, always corrupted in the
/// same way.
///
/// Per sample, as kuleshov-group/caduceus src/dataloaders/datasets/hg38_dataset.py: letters, reverse complement with
/// probability 1/2 (in training only, unless asked for), upper case, encode, truncate to the
/// first L tokens or pad on the left with [PAD] (Fit::padded), N -> [PAD], then masking or next-token labels.
template <Dataset Data, Tokenizer Tokens>
class BatchMaker {
 public:
  BatchMaker(std::shared_ptr<const Data> data, Tokens tokenizer, BatchOptions options)
      : data_(std::move(data)),
        tokenizer_(std::move(tokenizer)),
        options_(checked(options)),
        sampler_(data_->size(), options.samples_per_step > 0 ? options.samples_per_step : options.batch_size,
                 options.seed) {}

  const BatchOptions& options() const { return options_; }

  /// Batches that see every window once; in training without the dropped rest.
  Index batches_per_epoch() const {
    const Index samples = options_.training ? sampler_.samples_per_epoch() : data_->size();
    return (samples + options_.batch_size - 1) / options_.batch_size;
  }

  Batch operator()(Index k) const {
    const Index first = k * options_.batch_size;
    const Index rows = options_.training ? options_.batch_size : std::min(options_.batch_size, data_->size() - first);
    if (k < 0 || rows < 1)
      throw Error{{.kind = ErrorKind::internal,
                   .what = "batch number outside the data set",
                   .expected = "0 to " + std::to_string(batches_per_epoch() - 1),
                   .found = std::to_string(k)}};
    std::vector<std::vector<TokenId>> tokens;
    Batch batch;
    for (Index b = 0; b < rows; ++b) {
      const std::string letters = letters_of(first + b);
      batch.bases += std::ssize(letters);
      tokens.push_back(tokenizer_.encode(letters));
    }
    options_.fit == Fit::padded ? pad(tokens) : pack(tokens, batch);
    const Shape shape = options_.fit == Fit::padded ? Shape{rows, options_.length} : Shape{1, batch.offsets->back()};
    batch.ids = Tensor<TokenId>(shape);
    batch.labels = Tensor<TokenId>(shape);
    std::size_t offset = 0;
    for (Index b = 0; b < rows; ++b) {
      const std::vector<TokenId>& sample = tokens[static_cast<std::size_t>(b)];
      const std::span ids = batch.ids.span().subspan(offset, sample.size());
      std::copy(sample.begin(), sample.end(), ids.begin());
      set_targets(first + b, ids, batch.labels.span().subspan(offset, sample.size()));
      offset += sample.size();
    }
    return batch;
  }

 private:
  static BatchOptions checked(const BatchOptions& options) {
    if (options.batch_size < 1 || options.length < 1)
      throw Error{{.kind = ErrorKind::usage,
                   .what = "batch without content",
                   .expected = "batch size and length of at least 1",
                   .found = std::to_string(options.batch_size) + " and " + std::to_string(options.length)}};
    check_probability("mlm-probability", options.mlm_probability);
    return options;
  }

  RandomStream stream_of(Index sample) const { return {options_.seed, static_cast<std::uint64_t>(sample), 0}; }

  std::string letters_of(Index sample) const {
    std::string letters = (*data_)[options_.training ? sampler_(sample) : sample];
    const bool augment = options_.training ? options_.rc_augment : options_.rc_augment_evaluation;
    if (augment && stream_of(sample).at(hash_name("data.reverse_complement")).uniform(0) < 0.5)
      letters = reverse_complement(letters);
    std::transform(letters.begin(), letters.end(), letters.begin(), [](char c) { return to_upper(c); });
    return letters;
  }

  void pad(std::vector<std::vector<TokenId>>& tokens) const {
    const auto length = static_cast<std::size_t>(options_.length);
    for (std::vector<TokenId>& sample : tokens) {
      const std::size_t used = std::min(sample.size(), length);
      sample.resize(used);
      sample.insert(sample.begin(), length - used, options_.target_ids.ignore);
    }
  }

  static void pack(const std::vector<std::vector<TokenId>>& tokens, Batch& batch) {
    auto offsets = std::make_shared<std::vector<Index>>(1, 0);
    for (const std::vector<TokenId>& sample : tokens) {
      if (sample.empty()) throw Error{{.kind = ErrorKind::input, .what = "a window gives no token"}};
      offsets->push_back(offsets->back() + std::ssize(sample));
    }
    batch.offsets = std::move(offsets);
  }

  void set_targets(Index sample, std::span<TokenId> ids, std::span<TokenId> labels) const {
    replace_unknown_bases(ids, options_.target_ids);
    if (options_.objective == Objective::causal)
      next_token_labels(ids, labels, options_.target_ids);
    else
      mask_tokens(ids, labels, options_.mlm_probability, options_.target_ids,
                  stream_of(sample).at(hash_name(options_.training ? "data.mask" : "data.evaluation_mask")));
  }

  std::shared_ptr<const Data> data_;
  Tokens tokenizer_;
  BatchOptions options_;
  EpochSampler sampler_;
};

}  // namespace ligase::inline LIGASE_ISA
