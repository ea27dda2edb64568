#pragma once

#include <ligase/nn/param.hpp>
#include <ligase/nn/wire.hpp>
#include <ligase/ops/norm.hpp>

namespace ligase::inline LIGASE_ISA {

/// RMSNorm (Zhang & Sennrich 2019) or LayerNorm over channels, chosen at run time as `rms_norm` in a config.json does.
/// x, y: [..., D]   weight: [D]   bias: [D], LayerNorm only
/// Weight decay follows the Caduceus recipe: LayerNorm is exempt, RMSNorm is not.
template <Device D, class P>
struct Norm {
  using T = typename P::Activation;
  using X = Tensor<T, D>;
  struct Saved {
    X x;
    ops::NormStatistics<T, D> statistics;
  };

  Norm() = default;
  Norm(Index channels, bool is_rms, double epsilon)
      : weight({channels}, Init::constant(1), is_rms), rms(is_rms), eps(epsilon) {
    if (!rms) bias = {{channels}, Init::constant(0), false};
  }

  X infer(Context<D>& context, X x) const { return apply(context, x, nullptr); }
  X forward(Context<D>& context, X x, Saved& saved) const {
    saved.x = x;
    return apply(context, x, &saved.statistics);
  }
  X backward(Context<D>& context, X dy, Saved& saved) {
    if (rms) return ops::rms_norm_backward(context, dy, saved.x, weight.value, saved.statistics, weight.gradient);
    return ops::layer_norm_backward(context, dy, saved.x, weight.value, saved.statistics, weight.gradient, bias.gradient);
  }
  void visit(auto&& v) {
    v("weight", weight);
    if (!rms) v("bias", bias);
  }

  Parameter<typename P::Weight, D> weight;
  Parameter<typename P::Weight, D> bias;
  bool rms = true;
  double eps = 1e-5;

 private:
  X apply(Context<D>& context, const X& x, ops::NormStatistics<T, D>* statistics) const {
    if (rms) return ops::rms_norm(context, x, weight.value, eps, statistics);
    return ops::layer_norm(context, x, weight.value, bias.value, eps, statistics);
  }
};

}  // namespace ligase::inline LIGASE_ISA
