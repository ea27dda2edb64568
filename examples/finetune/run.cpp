#include <finetune/run.hpp>
#include <finetune/train.hpp>

#include <common/models.hpp>

#include <cmath>

namespace ligase_cli {

using namespace ligase;

const std::vector<std::string>& finetune_models() {
  static const std::vector<std::string> names{"cnn", "caduceus-ps", "caduceus-ph", "mamba"};
  return names;
}

RunOutcome run_job(const RunJob& job) {
  const bool on_gpu = has_cuda && job.device == "cuda";
  if (job.identity.model == "cnn") {
    if constexpr (has_cuda)
      if (on_gpu) return run_cnn<ligase::cuda>(job);
    return run_cnn<cpu>(job);
  }
  return with_named_backbone(job.identity.model, [&]<class Backbone>() {
    if constexpr (has_cuda)
      if (on_gpu)
        return job.settings.precision == "bf16" ? run_pooled<Backbone, ligase::cuda, bf16>(job)
                                                : run_pooled<Backbone, ligase::cuda, fp32>(job);
    return run_pooled<Backbone, cpu, fp32>(job);
  });
}

Conjoin conjoin_of(const RunSettings& settings) {
  return settings.conjoin == "train" ? Conjoin::train : settings.conjoin == "test" ? Conjoin::test : Conjoin::none;
}

FinetuneOptions options_of(const RunJob& job) {
  const RunSettings& s = job.settings;
  FinetuneOptions o;
  o.epochs = s.epochs;
  o.batch_size = s.batch_size;
  o.learning_rate = s.learning_rate;
  o.schedule_samples = s.schedule_samples;
  o.weight_decay = s.weight_decay;
  o.rc_augment = s.rc_augment;
  o.selection = s.select == "accuracy" ? Selection::accuracy : s.select == "mcc" ? Selection::mcc : Selection::f1;
  o.patience = s.patience;
  o.seed = job.identity.seed;
  return o;
}

void report_run(const RunJob& job, const FinetuneResult& result, const ClassificationScores* scores,
                RunOutcome& outcome) {
  constexpr Index resamples = 1000;
  RunRecord& r = outcome.record;
  r.run = job.identity;
  r.epochs = static_cast<Index>(result.epochs.size());
  r.status = result.diverged ? "diverged" : "ok";
  const auto number = [](double x) { return std::isfinite(x) ? OrderedJson(x) : OrderedJson(); };
  OrderedJson details{{"task", job.identity.task},
                      {"model", job.identity.model},
                      {"tokenizer", job.identity.tokenizer},
                      {"protocol", job.identity.protocol},
                      {"seed", job.identity.seed},
                      {"hyperparameters", parse_json(job.identity.hyperparameters, "hyperparameters")},
                      {"status", r.status},
                      {"best_epoch", result.best_epoch}};
  if (result.diverged) details["reason"] = result.reason;
  OrderedJson curve = OrderedJson::array();
  for (const EpochReport& e : result.epochs)
    curve.push_back({{"epoch", e.epoch},
                     {"training_loss", number(e.training_loss)},
                     {"validation_loss", number(e.validation_loss)},
                     {"validation_accuracy", number(e.accuracy)},
                     {"validation_mcc", number(e.mcc)},
                     {"validation_f1", number(e.f1)}});
  details["epochs"] = curve;
  if (scores != nullptr) {
    const ClassificationMetrics m = scores->metrics();
    const MetricIntervals i = scores->intervals(resamples, job.identity.seed);
    r.accuracy = m.accuracy, r.mcc = m.mcc, r.f1 = m.f1, r.precision = m.precision, r.recall = m.recall;
    r.auroc = m.auroc, r.auprc = m.auprc;
    r.accuracy_low = i.accuracy.low, r.accuracy_high = i.accuracy.high;
    r.mcc_low = i.mcc.low, r.mcc_high = i.mcc.high;
    r.f1_low = i.f1.low, r.f1_high = i.f1.high;
    r.auroc_low = i.auroc.low, r.auroc_high = i.auroc.high;
    if (job.identity.protocol == "original") {
      const BatchMeans means = scores->batch_means(job.settings.batch_size);
      r.mcc_batch_mean = means.mcc, r.f1_batch_mean = means.f1;
    }
    const ConfusionMatrix matrix = scores->confusion();
    OrderedJson rows = OrderedJson::array();
    for (Index truth = 0; truth < matrix.classes(); ++truth) {
      OrderedJson row = OrderedJson::array();
      for (Index predicted = 0; predicted < matrix.classes(); ++predicted) row.push_back(matrix.at(truth, predicted));
      rows.push_back(row);
    }
    details["classes"] = job.task->classes;
    details["confusion"] = rows;
    details["accuracy"] = number(m.accuracy);
    details["mcc"] = number(m.mcc);
    details["f1_macro"] = number(m.f1_macro);
    details["precision_macro"] = number(m.precision_macro);
    details["recall_macro"] = number(m.recall_macro);
    details["calibration_error"] = number(m.calibration_error);
    details["brier"] = number(m.brier);
  }
  outcome.details = dump_json(details, 2) + "\n";
}

}  // namespace ligase_cli
