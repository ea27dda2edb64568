#pragma once

#include <ligase/tasks/metrics.hpp>
#include <ligase/train/learner.hpp>
#include <ligase/train/loop.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// What chooses the best epoch, over the whole validation set.
enum class Selection { accuracy, mcc, f1 };

struct FinetuneOptions {
  Index epochs = 10;
  Index batch_size = 64;  ///< the last, smaller batch of an epoch is left out
  double learning_rate = 1e-3;
  Index schedule_samples = 0;  ///< rows per epoch that the schedule counts with; 0: those that are there
  double weight_decay = 0.1;
  double max_norm = 1.0;
  bool rc_augment = false;  ///< training rows are reverse-complemented with probability 1/2
  Selection selection = Selection::accuracy;
  Index patience = 0;      ///< stop after so many epochs without a better one; 0: never
  std::uint64_t seed = 1;  ///< of order and augmentation
};

struct EpochReport {
  Index epoch = 0;  ///< from 1
  double training_loss = 0, validation_loss = 0;
  double accuracy = 0, mcc = 0, f1 = 0;  ///< on the validation rows
};

struct FinetuneResult {
  std::vector<EpochReport> epochs;
  Index best_epoch = 0;     ///< from 1; the model is left as it was after it
  bool diverged = false;    ///< a loss, gradient or score was no finite number; the model is of no use then
  std::string reason = {};  ///< of a divergence
};

/// Scores of the rows `picks`, `batch_size` at a time. A row's score does not depend on its batch. Throws kind numeric where a
/// score is not finite.
template <class Learner>
ClassificationScores score_rows(Learner& learner, Context<typename Learner::DeviceType> context,
                                const LabelledRows& rows, std::span<const Index> picks, Index classes,
                                Index batch_size) {
  context.training = false;
  ClassificationScores scores(classes);
  for (std::size_t begin = 0; begin < picks.size(); begin += static_cast<std::size_t>(batch_size)) {
    const auto some = picks.subspan(begin, std::min(picks.size() - begin, static_cast<std::size_t>(batch_size)));
    const auto logits = to_host_wide(learner.logits(context, rows, some));
    for (std::size_t i = 0; i < some.size(); ++i)
      scores.add_logits(rows.label(some[i]), logits.span().subspan(i * static_cast<std::size_t>(classes),
                                                                   static_cast<std::size_t>(classes)));
  }
  return scores;
}

namespace detail {

/// The values of every tensor of a module, kept on the host.
template <class M>
class Snapshot {
 public:
  void take(M& module) {
    bytes_.clear();
    visit_tensors(module, [&](const std::string&, auto& x, bool is_alias) {
      if (is_alias) return;
      const auto host = to_host(x.value);
      const auto* begin = reinterpret_cast<const std::byte*>(host.data());
      bytes_.emplace_back(begin, begin + host.bytes());
    });
  }
  /// Tensors keep their memory: an optimiser or a recorded graph may know it.
  void restore(M& module) const {
    std::size_t i = 0;
    visit_tensors(module, [&](const std::string&, auto& x, bool is_alias) {
      if (is_alias) return;
      const std::vector<std::byte>& bytes = bytes_[i++];
      fill_on_host(x.value, [&](auto values) { std::memcpy(values.data(), bytes.data(), bytes.size()); });
    });
  }

 private:
  std::vector<std::vector<std::byte>> bytes_;
};

}  // namespace detail

namespace detail {

/// Watches a run: validation after every epoch, the best weights, and when to stop.
template <class Learner, class OnEpoch>
class EpochWatch {
 public:
  using M = std::remove_cvref_t<decltype(std::declval<Learner&>().model())>;
  using C = Context<typename Learner::DeviceType>;

  EpochWatch(Learner& learner, const C& context, const LabelledRows& rows, std::span<const Index> picks, Index classes,
             const FinetuneOptions& options, Index steps_per_epoch, OnEpoch& on_epoch, FinetuneResult& result)
      : learner_(learner),
        context_(context),
        rows_(rows),
        picks_(picks),
        classes_(classes),
        options_(options),
        steps_(steps_per_epoch),
        on_epoch_(on_epoch),
        result_(result) {}

  void on_step(const StepReport& report) { loss_ += report.loss; }
  void on_eval(Index step) {
    const ClassificationScores scores = score_rows(learner_, context_, rows_, picks_, classes_, options_.batch_size);
    const ConfusionMatrix matrix = scores.confusion();
    EpochReport report{step / steps_,    loss_ / static_cast<double>(steps_), 0, matrix.accuracy(), matrix.mcc(),
                       matrix.usual().f1};
    for (Index row = 0; row < scores.rows(); ++row)
      report.validation_loss -= std::log(std::max(scores.probability(row, scores.truth(row)), 1e-300));
    report.validation_loss /= static_cast<double>(scores.rows());
    loss_ = 0;
    const double value = options_.selection == Selection::accuracy ? report.accuracy
                         : options_.selection == Selection::mcc    ? report.mcc
                                                                   : report.f1;
    result_.epochs.push_back(report);
    if (value > best_value_) {
      best_value_ = value;
      result_.best_epoch = report.epoch;
      best_.take(learner_.model());
    }
    on_epoch_(report);
  }
  bool should_stop() const {
    const auto epoch = static_cast<Index>(result_.epochs.size());
    return options_.patience > 0 && epoch - result_.best_epoch >= options_.patience;
  }
  void restore_best() { best_.restore(learner_.model()); }

 private:
  Learner& learner_;
  C context_;
  const LabelledRows& rows_;
  std::span<const Index> picks_;
  Index classes_;
  const FinetuneOptions& options_;
  Index steps_;
  OnEpoch& on_epoch_;
  FinetuneResult& result_;
  Snapshot<M> best_;
  double best_value_ = -std::numeric_limits<double>::infinity(), loss_ = 0;
};

}  // namespace detail

/// Trains a classifier (WholeLearner, HeadLearner) on the rows `training` of `train` and leaves it as it was after the best
/// epoch on the rows `validation` of `held_out`.
///
/// As the fine-tuning of kuleshov-group/caduceus: cross-entropy, AdamW with betas (0.9, 0.999), clipped gradient norm, cosine
/// schedule per step (finetuning_schedule), the best of all epochs. Mended: every random choice follows from the seed, only
/// training rows are augmented, and the epoch is chosen by a metric of the whole validation set. A single row or batch
/// normalisation over it cannot be learnt from: throws kind `shape`.
///
/// on_epoch(const EpochReport&) is called after every epoch. The result does not depend on context.threads. Rows and snapshots
/// stay on the host; model, gradients and moments are on the learner's device.
template <class Learner, class OnEpoch>
FinetuneResult finetune(Learner& learner, Context<typename Learner::DeviceType> context, const LabelledRows& train,
                        std::span<const Index> training, const LabelledRows& held_out,
                        std::span<const Index> validation, Index classes, const FinetuneOptions& o,
                        OnEpoch&& on_epoch) {
  using D = typename Learner::DeviceType;
  const auto rows = static_cast<Index>(training.size());
  const EpochSampler sampler(rows, o.batch_size, o.seed);
  const Index batch_size = std::min(o.batch_size, rows), steps = sampler.samples_per_epoch() / batch_size;
  context.random.seed = o.seed;

  FinetuneResult result;
  detail::EpochWatch<Learner, OnEpoch> watch(learner, context, held_out, validation, classes, o, steps, on_epoch,
                                             result);
  AdamW<wide_t<typename Learner::T>, D> optimizer({.beta2 = 0.999, .weight_decay = o.weight_decay});
  TrainOptions options;
  options.steps = steps * o.epochs;
  options.max_norm = o.max_norm;
  options.eval_every = steps;
  const Index counted = o.schedule_samples > 0 ? o.schedule_samples : rows;
  try {
    Trainer trainer(learner.model(), optimizer, finetuning_schedule(o.learning_rate, counted, batch_size, o.epochs),
                    options);
    std::vector<Index> picks(static_cast<std::size_t>(batch_size));
    std::vector<std::uint8_t> reversed(picks.size());
    trainer.run(
        context,
        [&](Index step) {
          for (std::size_t i = 0; i < picks.size(); ++i) {
            const Index sample = step * batch_size + static_cast<Index>(i);
            picks[i] = training[static_cast<std::size_t>(sampler(sample))];
            const RandomStream stream{o.seed, static_cast<std::uint64_t>(sample), hash_name("data.reverse_complement")};
            reversed[i] = o.rc_augment && stream.uniform(0) < 0.5;
          }
          return step;
        },
        [&](Context<D>& inner, auto&, Index) {
          const auto loss = learner.learn(inner, train, picks, reversed);
          return BatchResult{loss.loss, batch_size * train.length()};
        },
        watch);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::numeric) throw;
    result.diverged = true;
    result.reason = e.what();
    return result;
  }
  watch.restore_best();
  return result;
}

}  // namespace ligase::inline LIGASE_ISA
