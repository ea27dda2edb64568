#pragma once

#include <finetune/run.hpp>

#include <ligase/io/json.hpp>
#include <ligase/train/finetune.hpp>

#include <chrono>
#include <numeric>
#include <optional>
#include <vector>

namespace ligase_cli {

/// The part of a run that no model changes: fills record and details of what the learner made.
void report_run(const RunJob& job, const ligase::FinetuneResult& result, const ligase::ClassificationScores* scores,
                RunOutcome& outcome);
ligase::FinetuneOptions options_of(const RunJob& job);
ligase::Conjoin conjoin_of(const RunSettings& settings);

/// Trains, takes the best epoch and scores the test split.
template <class Learner>
RunOutcome train_and_score(const RunJob& job, Learner& learner) {
  using namespace ligase;
  const auto begin = std::chrono::steady_clock::now();
  const RunSettings& s = job.settings;
  const LabelledRows train(job.task->train.rows, s.tokenizer, s.max_length);
  const LabelledRows test(job.task->test.rows, s.tokenizer, s.max_length);
  const LabelledRows dev(s.validation == "dev" ? job.task->dev->rows : std::vector<LabelledSequence>(), s.tokenizer,
                         s.max_length);

  const auto all = [](const LabelledRows& rows) {
    std::vector<Index> picks(static_cast<std::size_t>(rows.size()));
    std::iota(picks.begin(), picks.end(), Index{0});
    return picks;
  };
  RowSplit split;
  if (dev.size() > 0)
    split = {all(train), all(dev)};
  else
    split = split_rows_for_validation(train.size(), job.identity.seed);

  Context<typename Learner::DeviceType> context;
  context.threads = job.threads;
  FinetuneResult result =
      finetune(learner, context, train, split.training, dev.size() > 0 ? dev : train, split.validation, s.classes,
               options_of(job), [&](const EpochReport& e) {
                 if (job.on_epoch)
                   job.on_epoch(e.epoch, s.select == "accuracy" ? e.accuracy : s.select == "mcc" ? e.mcc : e.f1);
               });
  std::optional<ClassificationScores> scores;
  try {
    if (!result.diverged) scores = score_rows(learner, context, test, all(test), s.classes, s.batch_size);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::numeric) throw;
    result.diverged = true;
    result.reason = e.what();
  }
  RunOutcome outcome;
  report_run(job, result, scores ? &*scores : nullptr, outcome);
  outcome.record.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return outcome;
}

}  // namespace ligase_cli
