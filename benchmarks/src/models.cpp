#include "child.hpp"
#include "model_case.hpp"
#include "model_ratios.hpp"
#include "models/batches.hpp"
#include "models/gpu.hpp"
#include "report.hpp"

#include <common/models.hpp>

#include <ligase/data/batch.hpp>
#include <ligase/data/loader.hpp>
#include <ligase/train/loop.hpp>

#include <functional>
#include <memory>
#include <utility>

namespace {

using namespace ligase;
using namespace ligase_benchmark;
using ligase_cli::CharModel;

constexpr std::uint64_t seed = 1;
constexpr double quick_seconds = 10;

BatchOptions batch_options(const ModelCase& c, bool causal) {
  BatchOptions b;
  b.batch_size = c.batch;
  b.length = c.length;
  b.objective = causal ? Objective::causal : Objective::mlm;
  b.training = c.training;
  b.seed = seed;
  return b;
}

template <class M>
Timing time_inference(const ModelCase& c, M& model, int threads, double budget) {
  const BatchMaker maker(random_windows(c.batch, c.length), CharTokenizer{}, batch_options(c, false));
  const Tensor<TokenId> ids = maker(0).ids;
  model.set_threads(threads);
  return measure([&] { model.logits(ids); }, 0.2, budget);
}

/// Runs the trainer for one step at a time: batch from the loader, forward, backward, clipping, AdamW.
struct StopAfterStep {
  bool should_stop() const { return true; }
};

template <class Backbone, class M>
Timing time_training(const ModelCase& c, M& model, int threads, double budget) {
  constexpr Index steps = 1000000;
  for (auto& layer : model.network().backbone.stack.layers) layer.recompute = c.recompute;
  AdamW<float> optimizer;
  TrainOptions options;
  options.steps = steps;
  Trainer trainer(model, optimizer, pretraining_schedule(1e-3, steps), options);
  const BatchMaker maker(random_windows(4 * c.batch, c.length), CharTokenizer{}, batch_options(c, Backbone::causal));
  Loader loader(maker, 0);
  Context<> context;
  context.threads = threads;
  context.random.seed = seed;
  StopAfterStep stop;
  const auto step = [&] {
    trainer.run(
        context, [&](Index) { return *loader.next(); },
        [](Context<>& inner, auto& m, const Batch& batch) {
          const auto loss = m.network().loss_and_gradients(inner, batch.ids, batch.labels, CharTokenizer::pad);
          return BatchResult{loss.loss, batch.ids.count()};
        },
        stop);
  };
  return measure(step, 0.2, budget);
}

template <class Backbone>
CharModel<Backbone, cpu, fp32> make_model(const ModelCase& c) {
  typename Backbone::Config config;
  config.d_model = c.d_model;
  config.n_layer = c.n_layer;
  return CharModel<Backbone, cpu, fp32>(config, seed);
}

/// f.template operator()<Backbone>() for the case's model.
template <class F>
auto with_backbone(const ModelCase& c, F f) {
  return ligase_cli::with_named_backbone(c.model, f);
}

Counts work_of(const ModelCase& c) {
  return with_backbone(c, [&]<class Backbone>() {
    typename Backbone::Config config;
    Index directions = 1;
    if constexpr (requires { config.bidirectional; }) directions = config.bidirectional ? 2 : 1;
    config.vocab_size = CharTokenizer{}.vocab_size();
    return count_work(Backbone::SymmetryType::strands, directions, c.d_model, c.n_layer, config.padded_vocab_size(),
                      config.ssm_cfg.expand, config.ssm_cfg.d_state, config.ssm_cfg.rank(c.d_model));
  });
}

/// To be called in a process of its own: the timing, and the most memory that tensors held, weights included.
OrderedJson measure_case(const ModelCase& c, int threads, double budget) {
  return with_backbone(c, [&]<class Backbone>() {
    auto model = make_model<Backbone>(c);
    const Timing t =
        c.training ? time_training<Backbone>(c, model, threads, budget) : time_inference(c, model, threads, budget);
    OrderedJson row = timing_json(t);
    row["parameters"] = parameter_count(model);
    row["tensor_peak_bytes"] = memory_counter<cpu>().peak.load();
    return row;
  });
}

OrderedJson describe(const ModelCase& c, const Limits& limits, const Counts& work) {
  const double floor = floor_seconds(limits, work, c.training);
  return {{"case", c.name()},
          {"model", c.model},
          {"d_model", c.d_model},
          {"n_layer", c.n_layer},
          {"length", c.length},
          {"batch", c.batch},
          {"pass", c.training ? "training" : "inference"},
          {"recompute", c.recompute ? "layer" : "none"},
          {"matrix_flop_per_token", work.matrix_flop},
          {"scan_elements_per_token", work.scan_elements},
          {"floor_tokens_per_s", 1 / floor}};
}

void print_row(const ModelCase& c, const OrderedJson& row) {
  const auto number = [&](const char* key) { return row.at(key).get<double>(); };
  std::printf(
      "%-58s %9.0f tokens/s (%.0f to %.0f, %.0f times) %9.0f floor %4.0f %% %9.1f MiB tensors %9.1f MiB resident\n",
      c.name().c_str(), number("tokens_per_s"), static_cast<double>(c.tokens()) / number("seconds_most"),
      static_cast<double>(c.tokens()) / number("seconds_least"), number("repetitions"), number("floor_tokens_per_s"),
      100 * number("share_of_floor"), number("tensor_peak_bytes") / (1 << 20),
      number("resident_peak_bytes") / (1 << 20));
}

Limits limits_in_child(const char* program, int threads) {
  const ChildResult child = run_in_child(program, [&] { return measure_limits(threads).json().dump(); });
  if (!child.ok)
    throw Error{{.kind = ErrorKind::internal, .what = "the limits could not be measured", .found = child.end}};
  return Limits::from_json(OrderedJson::parse(child.text));
}

/// A call and its warm-up at 40 % of the floor.
bool fits_quick(const ModelCase& c, double floor_tokens_per_s) {
  return 2 * static_cast<double>(c.tokens()) / (0.4 * floor_tokens_per_s) < quick_seconds;
}

OrderedJson pair_json(const PairTiming& t, const char* a, const char* b) {
  return {{a, t.a}, {b, t.b}, {"ratio", t.ratio}, {"ratios", t.ratios}};
}

struct RatioCase {
  std::string name;
  std::function<OrderedJson()> measure;
};

std::vector<RatioCase> ratio_cases(const char* program, int threads) {
  const std::string shape = "caduceus-ps d118 n4 ";
  return {{shape + "training, " + std::to_string(threads) + " threads against 1",
           [=] { return pair_json(threads_against_one(threads), "seconds_one", "seconds_all"); }},
          {shape + "inference, packed against dense",
           [=] { return pair_json(packed_against_dense(false, threads), "seconds_per_dense_token", "seconds_per_packed_token"); }},
          {shape + "training, packed against dense",
           [=] { return pair_json(packed_against_dense(true, threads), "seconds_per_dense_token", "seconds_per_packed_token"); }},
          {shape + "start of a program to first logits", [=] {
             const std::vector<double> times = start_seconds(program);
             return OrderedJson{{"seconds", times[times.size() / 2]}, {"seconds_least", times.front()}, {"seconds_most", times.back()}};
           }}};
}

/// What was measured in a child process, added to the row; false where that failed.
bool add_measured(OrderedJson& row, const ChildResult& child) {
  row["status"] = child.ok ? "ok" : "failed: " + child.end;
  if (child.ok) row.update(OrderedJson::parse(child.text));
  return child.ok;
}

int run_program(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--first-logits") return print_first_logits(argv[2]);
  const auto options = parse(
      argc, argv, "models",
      "Measures training steps and inference of every model against the floor that the limits of the machine set.");
  if (!options) return 0;
  if (options->device == "cuda") return run_gpu_models(argv[0], *options);
  const auto cases = chosen(model_cases(), *options, [](const ModelCase& c) { return c.name(); });
  const auto ratios = chosen(ratio_cases(argv[0], options->threads), *options, [](const RatioCase& c) { return c.name; });
  if (cases.empty() && ratios.empty()) refuse_only(*options);
  Report report("models", *options);
  const Limits limits = limits_in_child(argv[0], options->threads);
  report.set_limits(limits);
  const double budget = options->quick ? quick_seconds : std::numeric_limits<double>::infinity();
  int failed = 0;
  for (const ModelCase& c : cases) {
    const Counts work = work_of(c);
    OrderedJson row = describe(c, limits, work);
    if (options->quick && !fits_quick(c, row.at("floor_tokens_per_s"))) {
      std::printf("%-58s left out: --quick\n", c.name().c_str());
      continue;
    }
    const ChildResult child = run_in_child(argv[0], [&] { return measure_case(c, options->threads, budget).dump(); });
    if (add_measured(row, child)) {
      const double rate = static_cast<double>(c.tokens()) / row.at("seconds").get<double>();
      row["tokens_per_s"] = rate;
      row["share_of_floor"] = rate / row.at("floor_tokens_per_s").get<double>();
      row["resident_peak_bytes"] = child.peak_resident_bytes;
      print_row(c, row);
    } else {
      ++failed;
      std::printf("%-58s failed: %s\n", c.name().c_str(), child.end.c_str());
    }
    std::fflush(stdout);
    report.add(row);
    report.save();
  }
  for (const RatioCase& c : ratios) {
    OrderedJson row{{"case", c.name}};
    const ChildResult child = run_in_child(argv[0], [&] { return c.measure().dump(); });
    if (!add_measured(row, child)) ++failed;
    std::printf("%-58s %s\n", c.name.c_str(), row.dump().c_str());
    std::fflush(stdout);
    report.add(row);
    report.save();
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return ligase_cli::run_program(argc, argv, run_program); }
