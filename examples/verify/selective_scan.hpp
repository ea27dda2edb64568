#pragma once

#include "cases.hpp"
#include "layout.hpp"
#include "tensor_file.hpp"

#include <ligase/ops/scan.hpp>
#include <ligase/ops/split.hpp>

namespace ligase_verify {

/// Operands of a scan and the gradient of its result, which may be empty.
template <class T, class D>
struct ScanOperands {
  ScanInput<T, D> input;
  ScanWeights<T, D> weights;
  Tensor<T, D> dout;
};

template <class T, class D>
ScanOperands<T, D> read_scan(TensorFile& cases, Context<D>& context, bool softplus) {
  using W = wide_t<T>;
  const auto tokens_first = [&](const char* name) {
    return cases.holds(name) ? on_device<T, D>(swap_last_two(cases.input<W>(name))) : Tensor<T, D>();
  };
  const auto weight = [&](const char* name) { return to_device<D>(cases.optional_input<W>(name)); };
  ScanOperands<T, D> in;
  in.input.u = tokens_first("in.u");
  in.input.delta = tokens_first("in.delta");
  in.input.bc = ops::concat(context, tokens_first("in.B"), tokens_first("in.C"));
  in.input.z = tokens_first("in.z");
  in.weights = {weight("in.A"), weight("in.D"), weight("in.delta_bias"), softplus};
  in.dout = tokens_first("in.dout");
  return in;
}

/// MODE.out, MODE.last_state and MODE.grad.*; time runs in direction `dir`, the gate is left out where there is none.
template <Direction dir, class T, class D>
void compare_mode(TensorFile& cases, Context<D>& context, const std::string& mode, ScanOperands<T, D> in, bool gated) {
  if (!cases.expects_below(mode + ".")) return;
  if (!gated) in.input.z = {};
  ScanSaved<T, D> saved;
  Tensor<wide_t<T>, D> last_state;
  const auto out = ops::selective_scan<dir>(context, in.input, in.weights, &saved, &last_state);
  cases.compare(mode + ".out", swap_last_two(to_host_wide(out)), Quantity::output);
  cases.compare(mode + ".last_state", last_state, Quantity::output);
  if (in.dout.empty()) return;

  ScanGradients<T, D> d;
  const auto zeros = []<class X>(const X& x) { return x.empty() ? X() : X::zeros(x.shape()); };
  d.A = zeros(in.weights.A);
  d.D = zeros(in.weights.D);
  d.delta_bias = zeros(in.weights.delta_bias);
  ops::selective_scan_backward<dir>(context, in.dout, {}, in.input, in.weights, saved, d);
  const auto [db, dc] = ops::split(context, d.bc, d.bc.size(2) / 2);
  const auto compare = [&](const char* name, const auto& found, bool of_tokens) {
    if (!found.empty())
      cases.compare(mode + ".grad." + name, of_tokens ? swap_last_two(to_host_wide(found)) : to_host_wide(found), Quantity::gradient);
  };
  compare("u", d.u, true);
  compare("delta", d.delta, true);
  compare("B", db, true);
  compare("C", dc, true);
  compare("z", d.z, true);
  compare("A", d.A, false);
  compare("D", d.D, false);
  compare("delta_bias", d.delta_bias, false);
}

template <class D, class P>
void verify_scan(const CaseFolder& folder, Tally& tally) {
  using T = typename P::Activation;
  const std::string where = (folder.path / "config.json").string();
  const Json config = parse_json_file(where);
  TensorFile cases(folder.path / "cases.safetensors", tally);
  Context<D> context;
  context.threads = folder.threads;
  const auto in = read_scan<T, D>(cases, context, field_or(config, "delta_softplus", true, where));
  if (!in.input.z.empty()) {
    compare_mode<Direction::forward>(cases, context, "fwd", in, true);
    compare_mode<Direction::reverse>(cases, context, "rev", in, true);
  }
  compare_mode<Direction::forward>(cases, context, "fwd_noz", in, false);
  compare_mode<Direction::reverse>(cases, context, "rev_noz", in, false);
  cases.finish();
}

}  // namespace ligase_verify
