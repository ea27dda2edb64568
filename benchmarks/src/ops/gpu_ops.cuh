#pragma once

#include "../op_traffic.hpp"
#include "../timing.hpp"
#include "gpu.hpp"

#include <ligase/core/precision.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace ligase_benchmark {

/// Per second; of an H200, the first as measured in this process.
struct GpuLimits {
  double copy = 0, product_bf16 = 790e12, product_fp32 = 67e12, exps = 3.7e12;

  static const GpuLimits& measured() {
    static const GpuLimits limits = [] {
      using ligase::Tensor;
      constexpr Index bytes = Index{1} << 30;
      const auto from = Tensor<unsigned char, ligase::cuda>::zeros({bytes});
      Tensor<unsigned char, ligase::cuda> to({bytes});
      const Timing t = measure([&] {
        ligase::device::copy_within(ligase::cuda{}, to.data(), from.data(), bytes);
        ligase::device::synchronize(ligase::cuda{});
      });
      GpuLimits l;
      l.copy = 2.0 * static_cast<double>(bytes) / t.median;
      return l;
    }();
    return limits;
  }
};

[[gnu::weak]] ligase::OrderedJson gpu_limits() {
  const GpuLimits& l = GpuLimits::measured();
  return {{"copy_bytes_per_s", l.copy},
          {"product_flop_per_s_bf16_assumed", l.product_bf16},
          {"product_flop_per_s_fp32_assumed", l.product_fp32},
          {"exps_per_s_assumed", l.exps}};
}

/// A case on the GPU with its inputs, and gradients of its outputs once these are known.
template <class T>
class GpuOp {
 public:
  using D = ligase::cuda;
  using W = ligase::wide_t<T>;

  explicit GpuOp(const ligase_test::OpCase<T, D>& chosen) : c(chosen) {
    for (const ligase_test::Input& input : c.inputs) {
      if (input.below > 0)
        in.integer[input.name] = fill<std::int32_t>(input);
      else if (input.wide)
        in.real.wide()[input.name] = fill<W>(input);
      else
        in.real[input.name] = fill<T>(input);
    }
  }

  void forward() { c.forward(context, in, out); }
  void backward() { c.backward(context, in, dout, din); }
  void make_gradients() {
    const auto halves = [](const auto& from, auto& to) {
      for (const auto& [name, t] : from) {
        using X = std::remove_cvref_t<decltype(t)>;
        const std::vector<typename X::Element> values(static_cast<std::size_t>(t.count()), typename X::Element(0.5f));
        to[name] = X::from(t.shape(), values);
      }
    };
    halves(out, dout);
    if constexpr (!std::is_same_v<T, W>) halves(out.wide(), dout.wide());
  }

  const ligase_test::OpCase<T, D>& c;
  ligase_test::Inputs<T, D> in;
  ligase::Context<D> context;
  ligase_test::Tensors<T, D> out, dout, din;

 private:
  /// Random values, the same again after every million: drawing all of them would take longer than using them.
  template <class U>
  static ligase::Tensor<U, D> fill(const ligase_test::Input& input) {
    constexpr std::size_t period = 1 << 20;
    const ligase::RandomStream random{1, 0, ligase::hash_name(input.name)};
    std::vector<U> values(static_cast<std::size_t>(input.shape.count()));
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i >= period)
        values[i] = values[i - period];
      else if (input.below > 0)
        values[i] = static_cast<U>(static_cast<int>(random.below(i, static_cast<std::uint64_t>(input.below))));
      else
        values[i] = static_cast<U>(input.low + (input.high - input.low) * random.uniform(i));
    }
    return ligase::Tensor<U, D>::from(input.shape, values);
  }
};

/// Seconds per call, of several calls that are given to the GPU in a row.
template <class F>
Timing measure_on_gpu(F f) {
  constexpr int calls = 10;
  Timing t = measure(
      [&] {
        for (int i = 0; i < calls; ++i) f();
        ligase::device::synchronize(ligase::cuda{});
      },
      0.02, 2);
  for (double* x : {&t.median, &t.least, &t.most}) *x /= calls;
  return t;
}

template <class P>
ligase::Index time_gpu_ops(const std::string& only, bool quick, const std::function<void(const GpuOpRow&)>& add) {
  using T = typename P::Activation;
  constexpr bool is_bf16 = std::is_same_v<T, ligase::bfloat16>;
  std::vector<ligase_test::Sizes> sizes{{8, 1024, 236, 118, 16, 16}, {4, 8192, 512, 256, 16, 16}};
  if (!quick) sizes.push_back({4, 8192, 256, 1024, 16, 4096});
  const GpuLimits& limits = GpuLimits::measured();
  ligase::Index count = 0;
  const auto row = [&](const auto& c, const char* pass, const Timing& t, const ligase_test::Work& work, double moved) {
    const std::pair<const char*, double> bounds[]{
        {"memory", moved / limits.copy},
        {"product", work.flops / (is_bf16 ? limits.product_bf16 : limits.product_fp32)},
        {"exp", work.exps / limits.exps}};
    const auto& bound = *std::max_element(std::begin(bounds), std::end(bounds),
                                          [](const auto& a, const auto& b) { return a.second < b.second; });
    const ligase_test::Sizes& s = c.sizes;
    char text[256];
    std::snprintf(text, sizeof text, "%-36s %-8s %s %2ld x %6ld x %4ld %10.4f ms %8.1f GB/s %5.0f %% of %s", c.name.c_str(),
                  pass, is_bf16 ? "bf16" : "fp32", static_cast<long>(s.batch), static_cast<long>(s.length),
                  static_cast<long>(s.channels), t.median * 1e3, moved / t.median * 1e-9, 100 * bound.second / t.median,
                  bound.first);
    add({{{"op", c.name},
          {"pass", pass},
          {"precision", is_bf16 ? "bf16" : "fp32"},
          {"batch", s.batch},
          {"length", s.length},
          {"channels", s.channels},
          {"outputs", s.outputs},
          {"states", s.states},
          {"vocabulary", s.vocabulary},
          {"seconds", t.median},
          {"seconds_least", t.least},
          {"seconds_most", t.most},
          {"repetitions", t.repetitions},
          {"bytes", moved},
          {"gb_per_s", moved / t.median * 1e-9},
          {"limit", bound.first},
          {"bound_seconds", bound.second},
          {"share_of_bound", bound.second / t.median}},
         text});
  };
  for (const auto& c : ligase_test::op_cases<T, ligase::cuda>(sizes)) {
    if (c.name.find(only) == std::string::npos) continue;
    ++count;
    GpuOp<T> op(c);
    const Timing forward = measure_on_gpu([&] { op.forward(); });
    row(c, "forward", forward, c.work_forward, forward_bytes(c, op.in, op.out));
    if (!c.backward) continue;
    op.make_gradients();
    const Timing backward = measure_on_gpu([&] { op.backward(); });
    row(c, "backward", backward, c.work_backward, backward_bytes(c, op.in, op.dout, op.din));
  }
  return count;
}

}  // namespace ligase_benchmark
