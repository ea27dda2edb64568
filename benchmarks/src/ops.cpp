#include "timing.hpp"

#include <common/arguments.hpp>
#include <common/program.hpp>
#include <device/op_cases.hpp>

#include <ligase/io/json.hpp>

#include <cstdio>

namespace {

using namespace ligase_test;
using ligase::cpu;
using ligase::Json;
using ligase_benchmark::Limits;
using ligase_benchmark::Timing;

/// One token, odd sizes, the inner width of the 1k Caduceus model (8 sequences), and of the 131k model both the inner
/// (512 -> 256) and the outer width (256 -> 1024).
std::vector<Sizes> benchmark_sizes(bool quick) {
  std::vector<Sizes> sizes{{1, 1, 128, 256, 16, 16}, {2, 333, 117, 251, 16, 16}, {8, 1024, 236, 118, 16, 16}};
  if (!quick) sizes.insert(sizes.end(), {{2, 8192, 512, 256, 16, 16}, {2, 8192, 256, 1024, 16, 4096}});
  return sizes;
}

Inputs<float, cpu> draw(const OpCase<float, cpu>& c) {
  Inputs<float, cpu> in;
  for (const Input& input : c.inputs) {
    const ligase::RandomStream random{1, 0, ligase::hash_name(input.name)};
    const Index n = input.shape.count();
    if (input.below > 0) {
      Tensor<std::int32_t> t(input.shape);
      for (Index i = 0; i < n; ++i)
        t.data()[i] = static_cast<std::int32_t>(
            random.below(static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(input.below)));
      in.integer[input.name] = t;
    } else {
      Tensor<float> t(input.shape);
      for (Index i = 0; i < n; ++i)
        t.data()[i] =
            static_cast<float>(input.low + (input.high - input.low) * random.uniform(static_cast<std::uint64_t>(i)));
      in.real[input.name] = t;
    }
  }
  return in;
}

double bytes(const Tensors<float, cpu>& tensors) {
  double sum = 0;
  for (const auto& [name, t] : tensors) sum += 4.0 * static_cast<double>(t.count());
  return sum;
}
double bytes(const Inputs<float, cpu>& in) {
  double sum = bytes(in.real);
  for (const auto& [name, t] : in.integer) sum += 4.0 * static_cast<double>(t.count());
  return sum;
}

/// Seconds that this work takes at least, by the limits of the machine.
double bound(const Limits& limits, const Work& work, double moved) {
  return std::max({moved / limits.copy, work.flops / limits.product, work.exps / limits.exps,
                   9 * work.scan_steps / ligase_benchmark::lanes / limits.fma_instructions});
}

void report(Json& rows, const Limits& limits, const OpCase<float, cpu>& c, const char* pass, const Timing& t,
            const Work& work, double moved) {
  const double least = bound(limits, work, moved);
  rows.push_back({{"op", c.name},
                  {"pass", pass},
                  {"batch", c.sizes.batch},
                  {"length", c.sizes.length},
                  {"channels", c.sizes.channels},
                  {"outputs", c.sizes.outputs},
                  {"states", c.sizes.states},
                  {"vocabulary", c.sizes.vocabulary},
                  {"seconds", t.median},
                  {"spread", t.spread},
                  {"bytes", moved},
                  {"gb_per_s", moved / t.median * 1e-9},
                  {"gflop_per_s", work.flops / t.median * 1e-9},
                  {"gexp_per_s", work.exps / t.median * 1e-9},
                  {"bound_seconds", least},
                  {"share_of_bound", least / t.median}});
  std::printf("%-44s %-8s %2ld x %6ld x %4ld %10.3f ms %8.1f GB/s %8.1f GFLOP/s %6.2f Gexp/s %5.0f %%\n",
              c.name.c_str(), pass, static_cast<long>(c.sizes.batch), static_cast<long>(c.sizes.length),
              static_cast<long>(c.sizes.channels), t.median * 1e3, moved / t.median * 1e-9,
              work.flops / t.median * 1e-9, work.exps / t.median * 1e-9, 100 * least / t.median);
}

void measure(Json& rows, const Limits& limits, int threads, const OpCase<float, cpu>& c) {
  ligase::Context<cpu> context;
  context.threads = threads;
  const Inputs<float, cpu> in = draw(c);
  Tensors<float, cpu> out, din;
  const Timing forward = ligase_benchmark::measure([&] { c.forward(context, in, out); });
  report(rows, limits, c, "forward", forward, c.work_forward, bytes(in) + bytes(out));
  if (!c.backward) return;
  Tensors<float, cpu> dout;
  for (const auto& [name, t] : out) {
    dout[name] = Tensor<float>(t.shape());
    std::fill(dout[name].span().begin(), dout[name].span().end(), 0.5f);
  }
  const Timing backward = ligase_benchmark::measure([&] { c.backward(context, in, dout, din); });
  report(rows, limits, c, "backward", backward, c.work_backward, bytes(in) + bytes(dout) + bytes(din));
}

void run(int argc, char** argv) {
  ligase_cli::Arguments arguments("ops",
                                  "Measures every operation, forward and backward, against the limits of the machine.",
                                  "ops --quick --json ops.json");
  arguments.option("threads", "N", std::to_string(ligase::available_threads()), "threads")
      .option("json", "FILE", "", "results as one JSON object")
      .option("only", "TEXT", "", "operations whose name holds this text")
      .toggle("quick", "small shapes only");
  if (!arguments.parse(argc, argv)) return;
  const int threads = static_cast<int>(arguments.whole("threads", 1, 1024));

  const Limits limits = ligase_benchmark::measure_limits(threads);
  std::printf(
      "limits on %d threads: product %.0f GFLOP/s, copy %.1f GB/s, exp %.1f G/s, fused multiply-add %.1f G vectors of "
      "%d/s\n",
      threads, limits.product * 1e-9, limits.copy * 1e-9, limits.exps * 1e-9, limits.fma_instructions * 1e-9,
      ligase_benchmark::lanes);
  Json rows = Json::array();
  const std::string only = arguments.given("only") ? arguments.text("only") : "";
  for (const auto& c : op_cases<float, cpu>(benchmark_sizes(arguments.on("quick"))))
    if (c.name.find(only) != std::string::npos) measure(rows, limits, threads, c);
  if (arguments.given("json"))
    ligase::write_json_file(arguments.path("json"), Json{{"benchmark", "ops"},
                                                         {"device", "cpu"},
                                                         {"number_type", "float"},
                                                         {"threads", threads},
                                                         {"limits",
                                                          {{"product_flop_per_s", limits.product},
                                                           {"copy_bytes_per_s", limits.copy},
                                                           {"exps_per_s", limits.exps},
                                                           {"fma_instructions_per_s", limits.fma_instructions},
                                                           {"vector_lanes", ligase_benchmark::lanes}}},
                                                         {"results", rows}});
}

}  // namespace

int main(int argc, char** argv) { return ligase_cli::run_program(argc, argv, run); }
