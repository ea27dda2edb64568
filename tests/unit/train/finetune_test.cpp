#include <ligase/core/precision.hpp>
#include <ligase/heads/classification.hpp>
#include <ligase/models/cnn.hpp>
#include <ligase/models/mamba.hpp>
#include <ligase/seq/tokenizer/char.hpp>
#include <ligase/train/finetune.hpp>

#include <support/planted_rows.hpp>

#include <doctest/doctest.h>

#include <numeric>
#include <string>
#include <vector>

using namespace ligase;
using ligase_test::planted_rows;

namespace {

struct Run {
  FinetuneResult result;
  std::vector<EpochReport> reports;
  double mcc = 0;
};

Run train_cnn(const LabelledRows& rows, const FinetuneOptions& options, int threads) {
  CnnClassifier<cpu, fp32> model(CnnConfig{.input_len = rows.length()});
  initialize(model, options.seed);
  WholeLearner learner(model, Conjoin::none);
  Context<> context;
  context.threads = threads;
  const RowSplit split = split_rows_for_validation(rows.size(), options.seed);
  Run run;
  run.result = finetune(learner, context, rows, split.training, rows, split.validation, 2, options,
                        [&](const EpochReport& e) { run.reports.push_back(e); });
  if (!run.result.diverged) run.mcc = score_rows(learner, context, rows, split.validation, 2, 7).confusion().mcc();
  return run;
}

}  // namespace

TEST_CASE("fine-tuning learns, keeps the best epoch, and does not depend on threads") {
  const LabelledRows rows(planted_rows(400, 60), CharTokenizer{}, 60);
  FinetuneOptions options;
  options.epochs = 6;
  options.batch_size = 32;
  options.selection = Selection::mcc;
  options.rc_augment = false;
  const Run one = train_cnn(rows, options, 1), two = train_cnn(rows, options, 2);
  REQUIRE(one.result.epochs.size() == 6);
  REQUIRE(one.reports.size() == 6);
  double best = -1;
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(one.reports[i].training_loss == two.reports[i].training_loss);
    CHECK(one.reports[i].validation_loss == two.reports[i].validation_loss);
    best = std::max(best, one.reports[i].mcc);
  }
  CHECK(one.reports.back().training_loss < 0.5 * one.reports.front().training_loss);
  CHECK(best > 0.4);
  CHECK(one.mcc == best);  // the weights of the best epoch are back
  CHECK(one.reports[static_cast<std::size_t>(one.result.best_epoch - 1)].mcc == best);

  options.seed = 2;
  CHECK(train_cnn(rows, options, 1).reports[0].training_loss != one.reports[0].training_loss);

  options.patience = 1;
  options.epochs = 20;
  const Run stopped = train_cnn(rows, options, 2);
  CHECK(stopped.result.epochs.size() < 20);
  CHECK(static_cast<Index>(stopped.result.epochs.size()) == stopped.result.best_epoch + 1);
}

TEST_CASE("a run that diverges says so") {
  const LabelledRows rows(planted_rows(64, 60), CharTokenizer{}, 60);
  FinetuneOptions options;
  options.learning_rate = 1e30;
  options.batch_size = 16;
  const Run run = train_cnn(rows, options, 1);
  CHECK(run.result.diverged);
  CHECK(run.result.reason.find("not finite") != std::string::npos);
}

TEST_CASE("a head over a frozen backbone: features are taken once, and give what the whole network gives") {
  const LabelledRows rows(planted_rows(60, 40), CharTokenizer{}, 40);
  MambaConfig config;
  config.d_model = 8;
  config.n_layer = 1;
  SequenceClassifier<Mamba, cpu, fp64> model(config, {.layout = ClassifierLayout::training});
  initialize(model, 3);
  Context<> context;
  std::vector<Index> all(static_cast<std::size_t>(rows.size()));
  std::iota(all.begin(), all.end(), Index{0});
  for (const Conjoin conjoin : {Conjoin::none, Conjoin::test, Conjoin::train}) {
    HeadLearner head(model, conjoin);
    WholeLearner whole(model, conjoin);
    const auto from_head = head.logits(context, rows, all), from_whole = whole.logits(context, rows, all);
    REQUIRE(from_head.shape() == from_whole.shape());
    for (Index i = 0; i < from_head.count(); ++i)
      CHECK(from_head.data()[i] == doctest::Approx(from_whole.data()[i]).epsilon(1e-12));
    // The same gradient of the head, with rows of both strands.
    std::vector<std::uint8_t> reversed(all.size());
    for (std::size_t i = 0; i < reversed.size(); i += 3) reversed[i] = 1;
    head.learn(context, rows, all, reversed);
    const std::vector<double> found(model.score.weight.gradient.data(), model.score.weight.gradient.data() + 16);
    CHECK(!model.backbone.stack.embedding.weight.trained());
    allocate_gradients(model);
    whole.learn(context, rows, all, reversed);
    for (Index i = 0; i < 16; ++i)
      CHECK(found[static_cast<std::size_t>(i)] == doctest::Approx(model.score.weight.gradient.data()[i]).epsilon(1e-9));
  }

  const double before = model.backbone.stack.embedding.weight.value.data()[3];
  HeadLearner head(model, Conjoin::none);
  FinetuneOptions options;
  options.epochs = 3;
  options.batch_size = 10;
  options.learning_rate = 0.01;
  options.rc_augment = true;
  const auto result = finetune(head, context, rows, all, rows, all, 2, options, [](const EpochReport&) {});
  CHECK(result.epochs.size() == 3);
  CHECK(result.epochs[2].training_loss < result.epochs[0].training_loss);
  CHECK(model.backbone.stack.embedding.weight.value.data()[3] == before);
}
