#include "cases.hpp"
#include "layout.hpp"
#include "tensor_file.hpp"

#include <ligase/ops/conv1d.hpp>
#include <ligase/ops/elementwise.hpp>
#include <ligase/ops/norm.hpp>
#include <ligase/ops/silu.hpp>

namespace ligase_verify {
namespace {

template <class T>
Tensor<T, cpu> zeros_like(const Tensor<T, cpu>& x) {
  return x.empty() ? Tensor<T, cpu>() : Tensor<T, cpu>::zeros(x.shape());
}

/// silu(conv(x)), loss sum of out dout.
template <class T>
void compare_conv(TensorFile& cases, Context<>& context) {
  const auto x = swap_last_two(cases.input<T>("conv.in.x"));
  const auto weight = cases.input<T>("conv.in.weight"), bias = cases.optional_input<T>("conv.in.bias");
  const auto pre = ops::causal_conv1d<Direction::forward>(context, x, weight, bias);
  cases.compare("conv.pre", swap_last_two(pre), Quantity::output);
  cases.compare("conv.out", swap_last_two(ops::silu(context, pre)), Quantity::output);
  if (!cases.holds("conv.in.dout")) return;
  const auto dpre = ops::silu_backward(context, swap_last_two(cases.input<T>("conv.in.dout")), pre);
  auto dweight = zeros_like(weight), dbias = zeros_like(bias);
  const auto dx = ops::causal_conv1d_backward<Direction::forward>(context, dpre, x, weight, dweight, dbias);
  cases.compare("conv.grad.x", swap_last_two(dx), Quantity::gradient);
  cases.compare("conv.grad.weight", dweight, Quantity::gradient);
  if (!bias.empty()) cases.compare("conv.grad.bias", dbias, Quantity::gradient);
}

template <class T>
struct NormInput {
  Tensor<T, cpu> x, residual, weight, bias, dout, dresidual_out;
  double eps;
};

/// out = norm(x + residual), residual_out = x + residual; loss: sums of out dout and of residual_out dresidual_out.
template <class T>
void compare_norm(TensorFile& cases, Context<>& context, const NormInput<T>& in, bool rms, bool with_residual) {
  const std::string prefix = std::string(rms ? "rmsnorm." : "layernorm.") + (with_residual ? "res." : "nores.");
  if (!cases.expects_below(prefix)) return;
  const auto sum = with_residual ? ops::add(context, in.x, in.residual) : in.x;
  ops::NormStatistics<T, cpu> statistics;
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

template <class T>
void run(const CaseFolder& folder, Tally& tally) {
  const std::string where = (folder.path / "config.json").string();
  const Json config = parse_json_file(where);
  TensorFile cases(folder.path / "cases.safetensors", tally);
  Context<> context;
  context.threads = folder.threads;
  if (cases.expects_below("conv.")) compare_conv<T>(cases, context);
  if (cases.expects_below("norm.")) {
    NormInput<T> in{cases.input<T>("norm.in.x"),
                    cases.optional_input<T>("norm.in.residual"),
                    cases.input<T>("norm.in.weight"),
                    cases.optional_input<T>("norm.in.bias"),
                    cases.optional_input<T>("norm.in.dout"),
                    cases.optional_input<T>("norm.in.dresidual_out"),
                    field_or(config, "eps", 1e-5, where)};
    for (const bool rms : {true, false})
      for (const bool with_residual : {true, false}) compare_norm(cases, context, in, rms, with_residual);
  }
  cases.finish();
}

}  // namespace

void verify_conv_and_norms(const CaseFolder& folder, Tally& tally) {
  tally.in_double() ? run<double>(folder, tally) : run<float>(folder, tally);
}

}  // namespace ligase_verify
