#include "op_traffic.hpp"
#include "ops/gpu.hpp"
#include "report.hpp"

#include <common/models.hpp>

#include <common/program.hpp>
#include <ligase/ops/mixer.hpp>

#include <unistd.h>

namespace {

using namespace ligase_test;
using namespace ligase_benchmark;
using ligase::cpu;

/// One token, odd sizes, the inner width of the 1k Caduceus model (8 sequences), and of the 131k model both the inner
/// (512 -> 256) and the outer width (256 -> 1024).
std::vector<Sizes> benchmark_sizes(bool quick) {
  std::vector<Sizes> sizes{{1, 1, 128, 256, 16, 16}, {2, 333, 117, 251, 16, 16}, {8, 1024, 236, 118, 16, 16}};
  if (!quick) sizes.insert(sizes.end(), {{2, 8192, 512, 256, 16, 16}, {2, 8192, 256, 1024, 16, 4096}});
  return sizes;
}

FloatInputs draw(const FloatCase& c) {
  FloatInputs in;
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

/// Bytes of the last-level cache.
double cache_bytes() {
  return static_cast<double>(
      std::max({sysconf(_SC_LEVEL1_DCACHE_SIZE), sysconf(_SC_LEVEL2_CACHE_SIZE), sysconf(_SC_LEVEL3_CACHE_SIZE), 0L}));
}

/// The limit that decides, and the seconds that the work takes at least by it.
struct Bound {
  const char* limit = "";
  double seconds = 0;
};

/// The scan's instructions include its exponentials.
Bound bound_of(const Limits& limits, const Work& work, double moved) {
  const bool scan = work.scan_steps > 0;
  const Bound bounds[] = {{moved <= cache_bytes() ? "cache" : "memory", moved / limits.stream(moved)},
                          {"product", work.flops / limits.product},
                          {"exp", scan ? 0 : work.exps / limits.exps},
                          {"scan", limits.scan_seconds(work.scan_steps) * limits.fma_one_thread / limits.fma}};
  return *std::max_element(std::begin(bounds), std::end(bounds),
                           [](const Bound& a, const Bound& b) { return a.seconds < b.seconds; });
}

void add_row(Report& report, const FloatCase& c, int threads, const char* pass, const Timing& t, const Work& work,
             double moved, const Bound& bound) {
  const Sizes& s = c.sizes;
  OrderedJson row{{"op", c.name},         {"pass", pass},       {"threads", threads},
                  {"batch", s.batch},     {"length", s.length}, {"channels", s.channels},
                  {"outputs", s.outputs}, {"states", s.states}, {"vocabulary", s.vocabulary}};
  row.update(timing_json(t));
  row.update({{"bytes", moved},
              {"gb_per_s", moved / t.median * 1e-9},
              {"gflop_per_s", work.flops / t.median * 1e-9},
              {"gexp_per_s", work.exps / t.median * 1e-9},
              {"limit", bound.limit},
              {"bound_seconds", bound.seconds},
              {"share_of_bound", bound.seconds / t.median}});
  report.add(row);
  std::printf("%-44s %-16s %2ld x %6ld x %4ld %10.4f ms %8.1f GB/s %8.1f GFLOP/s %6.2f Gexp/s %5.0f %% of %s\n",
              c.name.c_str(), pass, static_cast<long>(s.batch), static_cast<long>(s.length),
              static_cast<long>(s.channels), t.median * 1e3, moved / t.median * 1e-9, work.flops / t.median * 1e-9,
              work.exps / t.median * 1e-9, 100 * bound.seconds / t.median, bound.limit);
}

/// A case with its inputs, and gradients of its outputs once these are known.
struct Run {
  Run(const FloatCase& chosen, int threads) : c(chosen), in(draw(chosen)) { context.threads = threads; }

  void forward() { c.forward(context, in, out); }
  void backward() { c.backward(context, in, dout, din); }
  void make_gradients() {
    for (const auto& [name, t] : out) {
      dout[name] = Tensor<float>(t.shape());
      std::fill(dout[name].span().begin(), dout[name].span().end(), 0.5f);
    }
  }

  const FloatCase& c;
  FloatInputs in;
  ligase::Context<cpu> context;
  FloatTensors out, dout, din;
};

void measure_case(Report& report, const Limits& limits, const FloatCase& c) {
  Run run(c, limits.threads);
  const Timing forward = measure([&] { run.forward(); });
  double moved = forward_bytes(c, run.in, run.out);
  add_row(report, c, limits.threads, "forward", forward, c.work_forward, moved,
          bound_of(limits, c.work_forward, moved));
  if (!c.backward) return;
  run.make_gradients();
  const Timing backward = measure([&] { run.backward(); });
  moved = backward_bytes(c, run.in, run.dout, run.din);
  add_row(report, c, limits.threads, "backward", backward, c.work_backward, moved,
          bound_of(limits, c.work_backward, moved));
}

/// The scan at the size that implementations are compared at (E 512, N 16, L 4096), on one thread, in the model's layout
/// [B, L, E], with softplus, D and gate. Forward against bound(scan), forward and backward against the 3.5 times that
/// floor(model) takes for them.
void measure_headline(Report& report, const Limits& limits) {
  constexpr double training_passes = 3.5;
  auto c = scan_case<ligase::Direction::forward, float, cpu>({1, 4096, 512, 1, 16, 1}, true);
  c.name = "selective_scan headline";
  Run run(c, 1);
  run.forward();
  run.make_gradients();
  const double least = limits.scan_seconds(c.work_forward.scan_steps);
  const Timing forward = measure([&] { run.forward(); });
  const double moved = forward_bytes(c, run.in, run.out);
  add_row(report, c, 1, "forward", forward, c.work_forward, moved, {"scan", least});
  const Timing both = measure([&] {
    run.forward();
    run.backward();
  });
  Work work = c.work_forward;
  work.exps += c.work_backward.exps;
  add_row(report, c, 1, "forward+backward", both, work, moved + backward_bytes(c, run.in, run.dout, run.din),
          {"scan", training_passes * least});
}

/// The same scan as the fused mixer runs it on one thread: blocks of 64 tokens whose u, delta, B and C lie in the cache, y in
/// the rows of [B, L, E], and D. The mixer has just computed a block in memory that all blocks share, so that one block's memory
/// is read again and again here. `gate`: the pass over y and z before out_proj besides.
void measure_mixer_scan(Report& report, const Limits& limits, bool gate) {
  namespace mixer_cpu = ligase::device::mixer_cpu;
  constexpr auto forward = ligase::Direction::forward;
  auto c = scan_case<forward, float, cpu>({1, 4096, 512, 1, 16, 1}, true);
  c.name = gate ? "selective_scan headline, mixer's blocks, gate" : "selective_scan headline, mixer's blocks";
  Run run(c, 1);
  auto& in = run.in.real;
  const Sizes& s = c.sizes;
  ligase::MixerCore<float, cpu> weights;
  weights.scan = {in["A"], in["D"], in["delta_bias"], true};
  const auto block = [&](const char* name, Index width) {
    return in[name].reshaped({s.length, width}).slice(0, ligase::scan_detail::block_steps).clone();
  };
  const Tensor<float> u = block("u", s.channels), delta = block("delta", s.channels), bc = block("bc", 2 * s.states);
  Tensor<float> y({s.length, s.channels}), gated({ligase::scan_detail::block_steps, s.channels});
  auto view = ligase::scan_detail::view<float, cpu>({u.reshaped({1, u.size(0), s.channels}), delta, bc, {}, {}}, weights.scan);
  mixer_cpu::SlabStates<float> states;
  const Timing t = measure([&] {
    states.start(forward, view);
    for (Index begin = 0; begin < s.length; begin += view.length)
      states.advance(1, forward, view, false, y.data() + begin * s.channels, nullptr);
    if (gate)
      for (Index begin = 0; begin < s.length; begin += view.length) {
        const float* z = in["z"].data() + begin * s.channels;
        mixer_cpu::gate_rows<float>({y.data() + begin * s.channels, s.channels}, {z, s.channels}, view.length, s.channels, gated.data());
        benchmark::ClobberMemory();
      }
  });
  const double moved = static_cast<double>((gate ? 3 : 1) * y.count()) * sizeof(float);
  add_row(report, c, 1, "forward", t, c.work_forward, moved, {"scan", limits.scan_seconds(c.work_forward.scan_steps)});
}

void run_gpu_ops([[maybe_unused]] const Options& options) {
  ligase_cli::check_device({.device = "cuda", .precision = {}, .json = {}});
#if defined(LIGASE_WITH_CUDA)
  Report report("ops", options);
  report.set_gpu_limits(gpu_limits());
  const auto add = [&](const GpuOpRow& row) {
    report.add(row.json);
    std::puts(row.text.c_str());
  };
  const bool any = time_gpu_ops<ligase::bf16>(options.only, options.quick, add) +
                       time_gpu_ops<ligase::fp32>(options.only, options.quick, add) >
                   0;
  if (!any) refuse_only(options);
  report.save();
#endif
}

void run_program(int argc, char** argv) {
  const auto options =
      parse(argc, argv, "ops", "Measures every operation, forward and backward, against the limits of the machine.");
  if (!options) return;
  if (options->device == "cuda") return run_gpu_ops(*options);
  const auto cases = wanted(op_cases<float, cpu>(benchmark_sizes(options->quick)), *options,
                            [](const FloatCase& c) { return c.name; });
  Report report("ops", *options);
  const Limits limits = measure_limits(options->threads);
  report.set_limits(limits);
  measure_headline(report, limits);
  for (const bool gate : {false, true}) measure_mixer_scan(report, limits, gate);
  for (const FloatCase& c : cases) measure_case(report, limits, c);
  report.save();
}

}  // namespace

int main(int argc, char** argv) { return ligase_cli::run_program(argc, argv, run_program); }
