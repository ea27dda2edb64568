#pragma once

#include "layout.hpp"
#include "tensor_file.hpp"

#include <ligase/nn/mamba.hpp>

namespace ligase_verify {

/// Compares scan_call.NUMBER.{u,delta,B,C,z,out}: what goes into and comes out of one scan for the mixer input x [B, L, D].
/// delta is before bias and softplus, out is gated, calls in reverse are in reversed time.
template <Direction dir, class Projection, class D, class P>
void compare_scan_call(TensorFile& cases, Index number, Context<D>& context,
                       const Tensor<typename P::Activation, D>& x, const Projection& in_proj,
                       const MambaCore<dir, D, P>& core) {
  using X = Tensor<typename P::Activation, D>;
  const Index inner = core.scan.skip.value.count();
  const auto [content, z] = ops::split(context, in_proj.infer(context, x), inner);
  const X u = ops::silu(context, core.conv1d.infer(context, content));
  const auto [dt, bc] = ops::split(context, core.x_proj.infer(context, u), core.rank);
  const X delta = core.dt_proj.infer(context, dt);
  const X out = ops::selective_scan<dir>(
      context, ScanInput<typename P::Activation, D>{u, delta, bc, z, {}},
      ScanWeights<typename P::Activation, D>{ops::negative_exp(context, core.scan.A_log.value), core.scan.skip.value,
                                               core.scan.delta_bias.value, true});
  const auto [b, c] = ops::split(context, bc, bc.size(2) / 2);
  const auto compare = [&](const char* name, const X& found) {
    cases.compare("scan_call." + std::to_string(number) + "." + name, swap_last_two(to_host_wide(found), dir == Direction::reverse),
                  Quantity::output);
  };
  compare("u", u);
  compare("delta", delta);
  compare("B", b);
  compare("C", c);
  compare("z", z);
  compare("out", out);
}

template <class D, class P, class X>
void compare_scan_calls(TensorFile& cases, Context<D>& context, const MambaMixer<D, P>& mixer, const X& mixer_in,
                        Index) {
  compare_scan_call(cases, 0, context, mixer_in, mixer.in_proj, mixer.core);
}

/// Strand by strand, forward before reverse. mixer_in: [strands B, L, D]
template <class D, class P, class X>
void compare_scan_calls(TensorFile& cases, Context<D>& context, const BiMambaMixer<D, P>& mixer, const X& mixer_in,
                        Index strands) {
  const auto& in_reverse = mixer.options.tied ? mixer.in_proj : mixer.in_proj_reverse;
  const Index batch = mixer_in.size(0) / strands;
  Index number = 0;
  for (Index s = 0; s < strands; ++s) {
    const X strand = mixer_in.slice(s * batch, (s + 1) * batch);
    compare_scan_call(cases, number++, context, strand, mixer.in_proj, mixer.forward_core);
    if (mixer.options.bidirectional)
      compare_scan_call(cases, number++, context, strand, in_reverse, mixer.reverse_core);
  }
}

}  // namespace ligase_verify
