#pragma once

#include "cases.hpp"
#include "layout.hpp"
#include "tensor_file.hpp"

#include <ligase/ops/conv1d.hpp>
#include <ligase/ops/elementwise.hpp>
#include <ligase/ops/norm.hpp>
#include <ligase/ops/silu.hpp>

namespace ligase_verify {

template <class T, class D>
Tensor<T, D> zeros_like(const Tensor<T, D>& x) {
  return x.empty() ? Tensor<T, D>() : Tensor<T, D>::zeros(x.shape());
}

/// silu(conv(x)), loss sum of out dout.
template <class T, class D>
void compare_conv(TensorFile& cases, Context<D>& context) {
  using W = wide_t<T>;
  const auto tokens_first = [&](const char* name) { return on_device<T, D>(swap_last_two(cases.input<W>(name))); };
  const auto channels_first = [](const auto& found) { return swap_last_two(to_host_wide(found)); };
  const auto x = tokens_first("conv.in.x");
  const auto weight = to_device<D>(cases.input<W>("conv.in.weight")),
             bias = to_device<D>(cases.optional_input<W>("conv.in.bias"));
  const auto pre = ops::causal_conv1d<Direction::forward>(context, x, weight, bias);
  cases.compare("conv.pre", channels_first(pre), Quantity::output);
  cases.compare("conv.out", channels_first(ops::silu(context, pre)), Quantity::output);
  if (!cases.holds("conv.in.dout")) return;
  const auto dpre = ops::silu_backward(context, tokens_first("conv.in.dout"), pre);
  auto dweight = zeros_like(weight), dbias = zeros_like(bias);
  const auto dx = ops::causal_conv1d_backward<Direction::forward>(context, dpre, x, weight, dweight, dbias);
  cases.compare("conv.grad.x", channels_first(dx), Quantity::gradient);
  cases.compare("conv.grad.weight", dweight, Quantity::gradient);
  if (!bias.empty()) cases.compare("conv.grad.bias", dbias, Quantity::gradient);
}

template <class T, class D>
struct NormOperands {
  Tensor<T, D> x, residual, dout, dresidual_out;
  Tensor<wide_t<T>, D> weight, bias;
  double eps;
};

/// out = norm(x + residual), residual_out = x + residual; loss: sums of out dout and of residual_out dresidual_out.
template <class T, class D>
void compare_norm(TensorFile& cases, Context<D>& context, const NormOperands<T, D>& in, bool rms, bool with_residual) {
  const std::string prefix = std::string(rms ? "rmsnorm." : "layernorm.") + (with_residual ? "res." : "nores.");
  if (!cases.expects_below(prefix)) return;
  const auto sum = with_residual ? ops::add(context, in.x, in.residual) : in.x;
  ops::NormStatistics<T, D> statistics;
  const auto out = rms ? ops::rms_norm(context, sum, in.weight, in.eps, &statistics)
                       : ops::layer_norm(context, sum, in.weight, in.bias, in.eps, &statistics);
  cases.compare(prefix + "out", out, Quantity::output);
  cases.compare(prefix + "residual_out", sum, Quantity::output);
  if (!cases.expects_below(prefix + "grad.")) return;
  auto dweight = zeros_like(in.weight), dbias = zeros_like(in.bias);
  auto dsum = rms ? ops::rms_norm_backward(context, in.dout, sum, in.weight, statistics, dweight)
                  : ops::layer_norm_backward(context, in.dout, sum, in.weight, statistics, dweight, dbias);
  if (!in.dresidual_out.empty()) ops::accumulate(context, dsum, in.dresidual_out);
  cases.compare(prefix + "grad.x", dsum, Quantity::gradient);
  if (with_residual) cases.compare(prefix + "grad.residual", dsum, Quantity::gradient);
  cases.compare(prefix + "grad.weight", dweight, Quantity::gradient);
  if (!rms && !in.bias.empty()) cases.compare(prefix + "grad.bias", dbias, Quantity::gradient);
}

template <class D, class P>
void verify_conv_and_norms(const CaseFolder& folder, Tally& tally) {
  using T = typename P::Activation;
  using W = wide_t<T>;
  const std::string where = (folder.path / "config.json").string();
  const Json config = parse_json_file(where);
  TensorFile cases(folder.path / "cases.safetensors", tally);
  Context<D> context;
  context.threads = folder.threads;
  if (cases.expects_below("conv.")) compare_conv<T, D>(cases, context);
  if (cases.expects_below("norm.")) {
    const auto activation = [&](const char* name) { return on_device<T, D>(cases.optional_input<W>(name)); };
    const NormOperands<T, D> in{.x = activation("norm.in.x"),
                                .residual = activation("norm.in.residual"),
                                .dout = activation("norm.in.dout"),
                                .dresidual_out = activation("norm.in.dresidual_out"),
                                .weight = to_device<D>(cases.input<W>("norm.in.weight")),
                                .bias = to_device<D>(cases.optional_input<W>("norm.in.bias")),
                                .eps = field_or(config, "eps", 1e-5, where)};
    for (const bool rms : {true, false})
      for (const bool with_residual : {true, false}) compare_norm(cases, context, in, rms, with_residual);
  }
  cases.finish();
}

}  // namespace ligase_verify
