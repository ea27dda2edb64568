#include "cases.hpp"
#include "layout.hpp"
#include "tensor_file.hpp"

#include <ligase/ops/scan.hpp>
#include <ligase/ops/split.hpp>

namespace ligase_verify {
namespace {

template <class T>
struct Input {
  ScanInput<T, cpu> input;
  ScanWeights<T, cpu> weights;
  Tensor<T, cpu> dout;  ///< may be empty
};

template <class T>
Input<T> read_input(TensorFile& cases, Context<>& context, bool softplus) {
  const auto tokens_first = [&](const char* name) {
    return cases.holds(name) ? swap_last_two(cases.input<T>(name)) : Tensor<T, cpu>();
  };
  Input<T> in;
  in.input.u = swap_last_two(cases.input<T>("in.u"));
  in.input.delta = swap_last_two(cases.input<T>("in.delta"));
  in.input.bc = ops::concat(context, swap_last_two(cases.input<T>("in.B")), swap_last_two(cases.input<T>("in.C")));
  in.input.z = tokens_first("in.z");
  in.weights = {cases.input<T>("in.A"), cases.optional_input<T>("in.D"), cases.optional_input<T>("in.delta_bias"),
                softplus};
  in.dout = tokens_first("in.dout");
  return in;
}

/// MODE.out, MODE.last_state and MODE.grad.*; time runs in direction `dir`, the gate is left out where there is none.
template <Direction dir, class T>
void compare_mode(TensorFile& cases, Context<>& context, const std::string& mode, Input<T> in, bool gated) {
  if (!cases.expects_below(mode + ".")) return;
  if (!gated) in.input.z = {};
  ScanSaved<T, cpu> saved;
  Tensor<T, cpu> last_state;
  const auto out = ops::selective_scan<dir>(context, in.input, in.weights, &saved, &last_state);
  cases.compare(mode + ".out", swap_last_two(out), Quantity::output);
  cases.compare(mode + ".last_state", last_state, Quantity::output);
  if (in.dout.empty()) return;

  ScanGradients<T, cpu> d;
  const auto zeros = [](const Tensor<T, cpu>& x) {
    return x.empty() ? Tensor<T, cpu>() : Tensor<T, cpu>::zeros(x.shape());
  };
  d.A = zeros(in.weights.A);
  d.D = zeros(in.weights.D);
  d.delta_bias = zeros(in.weights.delta_bias);
  ops::selective_scan_backward<dir>(context, in.dout, {}, in.input, in.weights, saved, d);
  const auto [db, dc] = ops::split(context, d.bc, d.bc.size(2) / 2);
  const auto compare = [&](const char* name, const Tensor<T, cpu>& found, bool of_tokens) {
    if (!found.empty())
      cases.compare(mode + ".grad." + name, of_tokens ? swap_last_two(found) : found, Quantity::gradient);
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

template <class T>
void run(const CaseFolder& folder, Tally& tally) {
  const std::string where = (folder.path / "config.json").string();
  const Json config = parse_json_file(where);
  TensorFile cases(folder.path / "cases.safetensors", tally);
  Context<> context;
  context.threads = folder.threads;
  const Input<T> in = read_input<T>(cases, context, field_or(config, "delta_softplus", true, where));
  if (!in.input.z.empty()) {
    compare_mode<Direction::forward>(cases, context, "fwd", in, true);
    compare_mode<Direction::reverse>(cases, context, "rev", in, true);
  }
  compare_mode<Direction::forward>(cases, context, "fwd_noz", in, false);
  compare_mode<Direction::reverse>(cases, context, "rev_noz", in, false);
  cases.finish();
}

}  // namespace

void verify_selective_scan(const CaseFolder& folder, Tally& tally) {
  tally.in_double() ? run<double>(folder, tally) : run<float>(folder, tally);
}

}  // namespace ligase_verify
