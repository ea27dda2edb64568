#include "gpu.hpp"

#include "../child.hpp"
#include "../model_case.hpp"
#include "../report.hpp"
#include "batches.hpp"

#include <common/models.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace ligase_benchmark {

namespace {

using namespace ligase;

/// An H200: dense bfloat16 products as measured, and 132 multiprocessors x 16 exponentials x 1.755 GHz (clock assumed).
constexpr double product_rate = 790e12, exp_rate = 3.7e12;

/// The shapes of the published models, as the GPU's targets name them, and the longest sequence that trains.
std::vector<GpuCase> gpu_cases() {
  std::vector<GpuCase> list;
  for (const char* precision : {"bf16", "fp32"}) {
    const bool brief = std::string(precision) == "bf16";
    const auto add = [&](const char* model, Index d, Index n, Index length, Index batch, bool training,
                         pretrain::Recompute recompute = {}) {
      list.push_back({model, precision, d, n, length, batch, training, recompute});
    };
    for (const bool layers : {false, true}) add("caduceus-ps", 256, 16, 131072, 1, true, {.layers = layers});
    add("caduceus-ps", 256, 16, 131072, 1, false);
    for (const Index batch : {64, 256, 1024}) add("caduceus-ps", 118, 4, 1024, batch, true);
    add("caduceus-ps", 118, 4, 1024, 256, false);
    if (!brief) continue;
    add("caduceus-ps", 118, 4, 1024, 1024, false);
    add("caduceus-ps", 256, 16, 1048576, 1, false);
    add("caduceus-ps", 256, 16, 4194304, 1, true, {.layers = true, .group = 4});
    for (const char* model : {"caduceus-ph", "mamba"}) {
      add(model, 118, 4, 1024, 256, true);
      add(model, 118, 4, 1024, 256, false);
      add(model, 256, 16, 131072, 1, true);
    }
  }
  return list;
}

Counts work_of(const GpuCase& c) {
  return ligase_cli::with_named_backbone(c.model, [&]<class Backbone>() {
    typename Backbone::Config config;
    Index directions = 1;
    if constexpr (requires { config.bidirectional; }) directions = config.bidirectional ? 2 : 1;
    config.vocab_size = CharTokenizer{}.vocab_size();
    return count_work(Backbone::SymmetryType::strands, directions, c.d_model, c.n_layer, config.padded_vocab_size());
  });
}

/// Tokens per second at most: products at the matrix rate and exponentials at the rate of their unit, side by side. Training
/// takes three times the products and twice the exponentials, layers that run again once more of both each time.
double floor_rate(const GpuCase& c) {
  const Counts work = work_of(c);
  const double again = c.runs_again(), products = c.training ? 3 + again : 1, exps = c.training ? 2 + again : 1;
  return 1 / std::max(products * work.matrix_flop / product_rate, exps * work.scan_elements / exp_rate);
}

#if defined(LIGASE_WITH_CUDA)

template <class Backbone, class P>
GpuTiming time_gpu_inference(const GpuCase& c, double budget) {
  typename Backbone::Config config;
  config.d_model = c.d_model;
  config.n_layer = c.n_layer;
  const Model<Backbone, CharTokenizer, cuda, P> model(config, 1);
  const auto ids = to_device<cuda>(random_batches(1, c.batch, c.length, false).front().ids);
  GpuTiming t;
  t.time = measure(
      [&] {
        model.logits(ids);
        device::synchronize(cuda{});
      },
      0.2, budget);
  Index parameters = 0;
  visit_tensors(model.network(), [&](const std::string&, const auto& x, bool is_alias) {
    if constexpr (requires { x.gradient; })
      if (!is_alias) parameters += x.value.count();
  });
  t.parameters = parameters;
  t.tensor_peak_bytes = memory_counter<cuda>().peak.load();
  return t;
}

/// To be called in a process of its own.
OrderedJson measure_gpu_case(const GpuCase& c, double budget) {
  const GpuTiming t = ligase_cli::with_named_backbone(c.model, [&]<class Backbone>() {
    if (c.precision == "bf16")
      return c.training ? time_gpu_training<Backbone, bf16>(c, budget) : time_gpu_inference<Backbone, bf16>(c, budget);
    return c.training ? time_gpu_training<Backbone, fp32>(c, budget) : time_gpu_inference<Backbone, fp32>(c, budget);
  });
  OrderedJson row = timing_json(t.time);
  row["parameters"] = t.parameters;
  row["tensor_peak_bytes"] = t.tensor_peak_bytes;
  if (c.training) row["loss"] = t.loss;
  return row;
}

/// Bytes read and written per second by copies of 1 GiB.
double copy_rate() {
  constexpr Index bytes = Index{1} << 30;
  const Tensor<unsigned char, cuda> from = Tensor<unsigned char, cuda>::zeros({bytes});
  Tensor<unsigned char, cuda> to({bytes});
  const Timing t = measure([&] {
    device::copy_within(cuda{}, to.data(), from.data(), bytes);
    device::synchronize(cuda{});
  });
  return 2.0 * static_cast<double>(bytes) / t.median;
}

#else

OrderedJson measure_gpu_case(const GpuCase&, double) { return {}; }
double copy_rate() { return 0; }

#endif

}  // namespace

int run_gpu_models(const char* program, const Options& options) {
  if (!ligase_cli::has_cuda) ligase_cli::check_device({.device = "cuda", .precision = {}, .json = {}});
  const auto cases = wanted(gpu_cases(), options, [](const GpuCase& c) { return c.name(); });
  // A process that has opened the GPU must not fork: only children do.
  const ChildResult limits = run_in_child(program, [] { return std::to_string(copy_rate()); });
  if (!limits.ok)
    throw Error{{.kind = ErrorKind::io, .what = "no GPU can be used", .where = "--device cuda", .found = limits.end}};
  Report report("models", options);
  report.set_gpu_limits({{"copy_bytes_per_s", std::stod(limits.text)},
                         {"product_flop_per_s_assumed", product_rate},
                         {"exps_per_s_assumed", exp_rate}});
  int failed = 0;
  for (const GpuCase& c : cases) {
    OrderedJson row{{"case", c.name()},     {"model", c.model},   {"precision", c.precision},
                    {"d_model", c.d_model}, {"n_layer", c.n_layer}, {"length", c.length},
                    {"batch", c.batch},     {"pass", c.training ? "training" : "inference"},
                    {"recompute", c.recompute.text()}, {"floor_tokens_per_s", floor_rate(c)}};
    const double budget = options.quick ? 2 : 10;
    const ChildResult child = run_in_child(program, [&] { return measure_gpu_case(c, budget).dump(); });
    row["status"] = child.ok ? "ok" : "failed: " + child.end;
    if (child.ok) {
      row.update(OrderedJson::parse(child.text));
      const double rate = static_cast<double>(c.tokens()) / row.at("seconds").get<double>();
      row["tokens_per_s"] = rate;
      row["share_of_floor"] = rate / row.at("floor_tokens_per_s").get<double>();
      std::printf("%-66s %12.0f tokens/s %4.0f %% of %9.0f %10.1f MiB tensors\n", c.name().c_str(), rate,
                  100 * row.at("share_of_floor").get<double>(), row.at("floor_tokens_per_s").get<double>(),
                  row.at("tensor_peak_bytes").get<double>() / (1 << 20));
    } else {
      ++failed;
      std::printf("%-66s failed: %s\n", c.name().c_str(), child.end.c_str());
    }
    std::fflush(stdout);
    report.add(row);
    report.save();
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace ligase_benchmark
