#pragma once

#include <ligase/nn/param.hpp>
#include <ligase/nn/wire.hpp>
#include <ligase/ops/linear.hpp>

namespace ligase::inline LIGASE_ISA {

/// y = W x + b on the last dimension; drawn as torch.nn.Linear draws its weight, U(+-1/sqrt(in)). bias is optional.
template <Device D, class P>
struct Linear {
  using T = typename P::Activation;
  using X = Tensor<T, D>;
  struct Saved {
    X x;
  };

  Linear() = default;
  Linear(Index in, Index out, bool with_bias)
      : weight({out, in}, Init::uniform(1 / std::sqrt(static_cast<double>(in)))) {
    if (with_bias) bias = {{out}, Init::constant(0), false};
  }

  X infer(Context<D>& context, X x) const { return ops::linear(context, x, weight.value, bias.value); }
  X forward(Context<D>& context, X x, Saved& saved) const {
    saved.x = x;
    return infer(context, std::move(x));
  }
  X backward(Context<D>& context, X dy, Saved& saved) {
    return ops::linear_backward(context, dy, saved.x, weight.value, weight.gradient, bias.gradient);
  }
  void visit(auto&& v) {
    v("weight", weight);
    if (!bias.value.empty()) v("bias", bias);
  }

  Parameter<typename P::Weight, D> weight;
  Parameter<typename P::Weight, D> bias;
};

/// y = W x with another layer's weight: a tied head.
template <Device D, class P, class Weight = Parameter<typename P::Weight, D>>
struct Projection {
  using X = Tensor<typename P::Activation, D>;
  struct Saved {
    X x;
  };
  Weight& weight;

  X infer(Context<D>& context, X x) const { return ops::linear(context, x, weight.value, {}); }
  X forward(Context<D>& context, X x, Saved& saved) const {
    saved.x = x;
    return infer(context, std::move(x));
  }
  X backward(Context<D>& context, X dy, Saved& saved) {
    Tensor<typename P::Weight, D> no_bias;
    return ops::linear_backward(context, dy, saved.x, weight.value, weight.gradient, no_bias);
  }
};

}  // namespace ligase::inline LIGASE_ISA
