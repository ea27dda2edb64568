#include <ligase/cuda.cuh>
#include <ligase/data/batch.hpp>
#include <ligase/train/cuda/captured_step.cuh>
#include <ligase/train/loop.hpp>

#include <simt/control.hpp>
#include <unit/io/temporary_folder.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

using namespace ligase;
using ligase_test::TemporaryFolder;
using Gpu = device::cuda;

namespace {

/// While it lives the device does nothing before somebody waits for it.
struct Late {
  Late() { simt::set_deferred(true); }
  ~Late() { simt::set_deferred(false); }
};

using Caduceus = Model<BiMamba<RCPS>, CharTokenizer, Gpu>;
using Network = LanguageModel<BiMamba<RCPS>, Gpu, fp32>;

Batch batch_of(Index number) {
  static const auto sequences = std::make_shared<const SequenceDataset>(
      std::vector<std::string>{"ACGTTGCAGGCATTACCGAT", "TTGACCATGACCAGTACCTA", "GGGACCATGATTAGTACCAC"});
  static const BatchMaker maker(sequences, CharTokenizer{},
                                {.batch_size = 2, .length = 20, .mlm_probability = 0.5, .training = true, .seed = 3});
  return maker(number);
}

enum class What { nothing, loss, gradient };

/// How a run is made, and from which micro-batch on (-1: none) its loss or gradient is not a number.
struct Setting {
  bool ahead = true;
  TrainOptions options = {.steps = 7, .accumulate = 2, .max_norm = 0.5, .save_every = 3, .eval_every = 4};
  What bad = What::nothing;
  Index bad_batch = -1;
  Index most = -1;  ///< steps after which the run is stopped
};

/// All that a run leaves behind.
struct Outcome {
  std::string log, error;
  std::vector<float> weights;
  std::vector<std::string> events;
  Index saved_step = -1, steps = 0, optimizer_steps = 0;
  simt::Waits first, last;  ///< when the third step and the last but one were told
};

struct Record {
  Outcome& outcome;
  Index most, steps;

  void on_step(const StepReport& r) {
    outcome.events.push_back("step " + std::to_string(r.step));
    if (r.step == 3) outcome.first = simt::waits();
    if (r.step == steps - 1) outcome.last = simt::waits();
  }
  void on_eval(Index step) { outcome.events.push_back("eval " + std::to_string(step)); }
  void on_save(Index step) { outcome.events.push_back("save " + std::to_string(step)); }
  bool should_stop() { return ++asked == most; }
  Index asked = 0;
};

Outcome train(const Setting& setting) {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  Outcome outcome;
  Caduceus model({.d_model = 8, .n_layer = 2}, 1);
  AdamW<float, Gpu> optimizer;
  Trainer trainer(model, optimizer, pretraining_schedule(0.02, setting.options.steps), setting.options);
  trainer.start(folder, {{"model", "caduceus"}});
  Context<Gpu> context;
  CapturedStep<Network> step(model.network(), model.config().padded_vocab_size(), CharTokenizer::pad);
  Index number = 0;
  const auto pending = [&](Context<Gpu>& inner, auto& module, const Batch& batch) {
    auto pass = step(inner, batch);
    if (setting.bad_batch < 0 || number++ != setting.bad_batch) return pass;
    const double nan = std::numeric_limits<double>::quiet_NaN(), sums[]{nan, 1, 1};
    if (setting.bad == What::loss) pass.sums = to_device<Gpu>(Tensor<double>::from({3}, sums));
    if (setting.bad == What::gradient)
      visit_parameters(module, [&](const std::string&, auto& p) {
        std::vector<float> values(static_cast<std::size_t>(p.gradient.count()), 1);
        values.back() = std::numeric_limits<float>::infinity();
        p.gradient.assign(values);
      });
    return pass;
  };
  const auto at_once = [&](Context<Gpu>& inner, auto& module, const Batch& batch) {
    return read(inner, pending(inner, module, batch));
  };
  Record record{outcome, setting.most, setting.options.steps};
  try {
    if (setting.ahead)
      trainer.run(context, batch_of, pending, record);
    else
      trainer.run(context, batch_of, at_once, record);
  } catch (const Error& e) {
    outcome.error = e.fields().what;
    if (const auto place = outcome.error.find(temporary.path().string()); place != std::string::npos)
      outcome.error.erase(place, temporary.path().string().size());
  }
  for (StepReport r : read_training_log(folder.log())) {
    r.tokens_per_second = 0;
    outcome.log += to_json_line(r) + "\n";
  }
  visit_parameters(model, [&](const std::string&, auto& p) {
    const auto host = to_host(p.value);
    outcome.weights.insert(outcome.weights.end(), host.data(), host.data() + host.count());
  });
  for (const auto& [name, moments] : optimizer.moments()) {
    const auto host = to_host(moments.second);
    outcome.weights.insert(outcome.weights.end(), host.data(), host.data() + host.count());
  }
  if (has_training_state(folder)) outcome.saved_step = read_training_state(folder).step;
  outcome.steps = trainer.step();
  outcome.optimizer_steps = optimizer.steps();
  return outcome;
}

void check_same(const Outcome& a, const Outcome& b) {
  CHECK(a.log == b.log);
  CHECK(a.error == b.error);
  CHECK(a.weights == b.weights);
  CHECK(a.events == b.events);
  CHECK(a.saved_step == b.saved_step);
  CHECK(a.steps == b.steps);
  CHECK(a.optimizer_steps == b.optimizer_steps);
}

}  // namespace

TEST_CASE("pinned pages are not written again before the copies out of them have run") {
  const Late late;
  std::vector<Tensor<Index, Gpu>> tensors;
  for (const Index n : {Index{1} << 14, Index{1} << 17, Index{3000}})
    for (Index i = 0; i < 100; ++i) {
      Tensor<Index> x({n + i});
      std::fill(x.data(), x.data() + x.count(), i);
      tensors.push_back(to_device<Gpu>(x));
    }
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto x = to_host(tensors[i]);
    CHECK(std::all_of(x.data(), x.data() + x.count(), [&](Index v) { return v == static_cast<Index>(i) % 100; }));
  }
}

TEST_CASE("batches of two steps go through the pinned pages without waiting") {
  const Late late;
  constexpr Index tokens = Index{1} << 18;
  Tensor<TokenId> ids({tokens});
  Tensor<TokenId, Gpu> there({tokens});
  there.assign(ids.span());
  device::synchronize(Gpu{});
  const auto before = simt::waits();
  for (int i = 0; i < 5; ++i) there.assign(ids.span());
  CHECK(simt::waits().waited == before.waited);
}

TEST_CASE("steps that are given ahead leave what steps made one by one leave") {
  const Outcome expected = train({.ahead = false});
  CHECK(expected.steps == 7);
  CHECK(expected.events == std::vector<std::string>{"step 1", "step 2", "step 3", "save 3", "step 4", "eval 4", "step 5",
                                                    "step 6", "save 6", "step 7", "eval 7", "save 7"});
  check_same(train({}), expected);
  const Late late;
  check_same(train({}), expected);
  check_same(train({.ahead = false}), expected);
}

TEST_CASE("a run that is told to stop ends after the step that it had come to") {
  for (const Index most : {1, 2, 5}) {
    CAPTURE(most);
    const Outcome expected = train({.ahead = false, .most = most});
    CHECK(expected.saved_step == most);
    const Late late;
    check_same(train({.most = most}), expected);
  }
}

TEST_CASE("a step without a finite loss or gradient is refused, and what was given behind it changes nothing") {
  for (const What bad : {What::loss, What::gradient})
    for (const Index batch : {0, 3, 4, 9}) {
      CAPTURE(batch);
      Setting setting{.ahead = false, .bad = bad, .bad_batch = batch};
      const Outcome expected = train(setting);
      CHECK(expected.error.find("is not finite") != std::string::npos);
      CHECK(expected.steps == batch / 2);
      setting.ahead = true;
      check_same(train(setting), expected);
      const Late late;
      check_same(train(setting), expected);
    }
}

TEST_CASE("the host waits for a step only when the device has the next one") {
  const Late late;
  const Outcome outcome = train({.options = {.steps = 12, .accumulate = 2, .save_every = 100, .eval_every = 0}});
  CHECK(outcome.last.waited - outcome.first.waited == 8);
  CHECK(outcome.last.idle - outcome.first.idle == 0);
}
