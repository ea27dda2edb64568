#pragma once

#include <ligase/ops/cuda/gate.cuh>
#include <ligase/ops/cuda/gemm.cuh>
#include <ligase/ops/cuda/mixer_plan.cuh>
#include <ligase/ops/cuda/primitives.cuh>
#include <ligase/ops/cuda/scan.cuh>

/// The Mamba mixer on `cuda`: products by gemm, one convolution, one scan and one gate for both directions of all sequences.
///
/// Numbers that are alive at once, per row in units of E: forward xz 2, u 2 (each direction's y takes its u's place, the gated
/// sum that of the second); backward xz 2, dy 1 (in the place of y), u 2 (becoming du), ddelta 2 (before the scan the first is
/// the gated sum; after it each is u once more for the gradient of x_proj, then the part of du that comes through x_proj).
/// With E 512, bfloat16 and two strands, bytes per token: 14 KiB, dt | B | C 0.4, kept states 2, parts of dB and dC 1.
namespace ligase::inline LIGASE_ISA::device {

/// h -> xz, y and out; states and dt | B | C of each direction where `s.states` has room for them.
template <class T>
void fused_mixer_forward(Context<cuda>& context, const Tensor<T, cuda>& h, const MixerWeights<T, cuda>& w,
                         MixerSaved<T, cuda>& s, Tensor<T, cuda>& out) {
  using generic::linear_forward;
  const mixer_cuda::Plan<T> plan(context, h, w);
  const bool both = plan.walks.size() == 2;
  linear_forward(context, h, w.in, w.in_bias, s.xz);
  if (h.count() == 0) return;

  Tensor<T, cuda> u[2] = {s.y, both ? Tensor<T, cuda>(plan.inner()) : Tensor<T, cuda>()}, dbc[2], delta[2];
  plan.convolve(s.xz, u[0].data(), u[1].data());
  kernels::ScanForwardArguments<T> scan{.sizes = plan.scan_sizes(), .run = {}};
  bool keeps = false;
  for (std::size_t i = 0; i < plan.walks.size(); ++i) {
    dbc[i] = Tensor<T, cuda>({plan.batch, plan.length, plan.width()});
    gemm_nt(context, plan.length, u[i], generic::as<T>(context, plan.walks[i].weights->x_proj), dbc[i]);
    delta[i] = mixer_cuda::project_steps(context, plan, i, dbc[i]);
    auto& kept = s.states[plan.walks[i].index];
    scan.run[i] = plan.scan_run(i, u[i].data(), delta[i], dbc[i], kept.data(), u[i].data());
    if (kept.empty()) continue;
    keeps = true;
    s.dbc[plan.walks[i].index] = dbc[i];
  }
  scan_cuda::scan_forward(scan);

  Tensor<T, cuda> gated = both ? u[1] : keeps ? Tensor<T, cuda>(plan.inner()) : u[0];
  gate_cuda::sum_and_gate<T>({.rows = plan.batch * plan.length,
                              .channels = plan.channels,
                              .access = 1,
                              .y = u[0].data(),
                              .other_y = u[1].data(),
                              .z = s.xz.data() + plan.channels,
                              .gated = gated.data(),
                              .sum = both && keeps ? u[0].data() : nullptr});
  linear_forward(context, gated, w.out, w.out_bias, out);
}

/// Uses up `s`: y becomes the gradient before the gate, xz that of xz, dbc those of dt | B | C. `gated` [B, L, E] is work space;
/// `dh` is made at the end, in the room of what is done with.
template <class T>
void fused_mixer_backward(Context<cuda>& context, const Tensor<T, cuda>& dout, const MixerWeights<T, cuda>& w,
                          MixerSaved<T, cuda>& s, Tensor<T, cuda>& gated, Tensor<T, cuda>& dh,
                          MixerWeights<T, cuda>& g) {
  using namespace mixer_cuda;
  using generic::linear_backward;
  using W = wide_t<T>;
  const Plan<T> plan(context, s.h, w);
  if (s.h.count() == 0) {
    dh = Tensor<T, cuda>(s.h.shape());
    return;
  }
  const std::size_t walks = plan.walks.size();
  gemm_nn(context, plan.length, dout, generic::as<T>(context, w.out), gated);
  gate_cuda::gradient<T>({.rows = plan.batch * plan.length,
                          .channels = plan.channels,
                          .access = 1,
                          .gated = gated.data(),
                          .y = s.y.data(),
                          .z = s.xz.data() + plan.channels});
  if (!g.out.empty()) gemm_tn_add(context, dout, gated, g.out);
  if (!g.out_bias.empty()) sum_rows_add(context, dout, g.out_bias);

  Tensor<T, cuda> du[2], ddelta[2] = {gated, walks == 2 ? Tensor<T, cuda>(plan.inner()) : Tensor<T, cuda>()};
  for (std::size_t i = 0; i < walks; ++i) du[i] = Tensor<T, cuda>(plan.inner());
  plan.convolve(s.xz, du[0].data(), du[1].data());
  {
    kernels::ScanBackwardArguments<T> scan{};
    scan_cuda::GradientTargets<T> to[2];
    Tensor<W, cuda> adjoint[2];
    Tensor<T, cuda> delta[2];
    scan.sizes = plan.scan_sizes();
    for (std::size_t i = 0; i < walks; ++i) {
      const std::size_t core = plan.walks[i].index;
      delta[i] = project_steps(context, plan, i, s.dbc[core]);
      adjoint[i] = Tensor<W, cuda>::zeros({plan.sequences.view.count, plan.channels, plan.states});
      scan.run[i] = plan.scan_run(i, du[i].data(), delta[i], s.dbc[core], s.states[core].data(), nullptr);
      scan.gradient[i] = {s.y.data(), du[i].data(), ddelta[i].data(), adjoint[i].data(), nullptr, nullptr, nullptr};
      to[i] = {s.dbc[core].data(), g.core[core].scan.A, g.core[core].scan.D, g.core[core].scan.delta_bias};
    }
    constexpr Index parts = Index{1} << 24;  // 64 MiB: of two strands with E 512, windows of 4,096 steps
    scan_cuda::scan_backward(context, scan, plan.sequences.longest, plan.width(), plan.rank, to, parts);
    s.states = {};
    s.y = {};
  }

  for (std::size_t i = 0; i < walks; ++i) {
    const MixerCore<T, cuda>& weights = *plan.walks[i].weights;
    MixerCore<T, cuda>& gradient = g.core[plan.walks[i].index];
    Tensor<T, cuda>& dbc = s.dbc[plan.walks[i].index];
    Tensor<T, cuda>& work = ddelta[i];
    if (!gradient.dt_proj.empty()) {
      auto product = Tensor<W, cuda>::zeros({plan.channels, plan.width()});
      gemm_tn_add(context, ddelta[i], dbc, product);
      for_each(context, gradient.dt_proj.count(),
               MoveColumns<W, W, true>{product.data(), plan.width(), gradient.dt_proj.data(), plan.rank, plan.rank});
    }
    {
      Tensor<T, cuda> dt({plan.batch, plan.length, plan.rank});
      gemm_nn(context, plan.length, ddelta[i], generic::as<T>(context, weights.dt_proj), dt);
      for_each(context, dt.count(),
               MoveColumns<T, T, false>{dt.data(), plan.rank, dbc.data(), plan.width(), plan.rank});
    }
    if (!gradient.x_proj.empty()) {
      plan.convolve_one(s.xz, i, work.data());
      gemm_tn_add(context, dbc, work, gradient.x_proj);
    }
    gemm_nn(context, plan.length, dbc, generic::as<T>(context, weights.x_proj), work);
    kernels::ConvSizes sizes = plan.conv_sizes();
    sizes.runs = 1;
    conv_cuda::gradient<T>(context,
                           {.sizes = sizes,
                            .run = plan.conv_run(plan.walks[i]),
                            .x = s.xz.data(),
                            .dy = du[i].data(),
                            .more_dy = work.data(),
                            .before = du[i].data(),
                            .dweight = nullptr,
                            .dbias = nullptr},
                           plan.sequences.blocks, gradient.conv, gradient.conv_bias);
    dbc = {};
    work = {};
  }
  kernels::ConvBackwardArguments<T> conv{
      .sizes = plan.conv_sizes(), .run = {}, .before = {du[0].data(), du[1].data()}, .dx = s.xz.data()};
  for (std::size_t i = 0; i < walks; ++i) conv.run[i] = plan.conv_run(plan.walks[i]);
  conv_cuda::backward(conv, plan.sequences.blocks);
  du[0] = du[1] = {};
  dh = Tensor<T, cuda>(s.h.shape());
  linear_backward(context, s.xz, s.h, w.in, dh, g.in, g.in_bias);
}

}  // namespace ligase::inline LIGASE_ISA::device
