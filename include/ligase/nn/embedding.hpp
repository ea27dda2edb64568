#pragma once

#include <ligase/nn/param.hpp>
#include <ligase/nn/wire.hpp>
#include <ligase/ops/embedding.hpp>

namespace ligase::inline LIGASE_ISA {

/// Token embedding: ids [B, L] -> [B, L, D]. Exempt from weight decay. Its backward pass ends the wiring: there is no
/// gradient for ids.
template <Device D, class P>
struct Embedding {
  using T = typename P::Activation;
  using Ids = Tensor<std::int32_t, D>;
  struct Saved {
    Ids ids;
  };

  Embedding() = default;
  Embedding(Index vocabulary, Index channels, double deviation)
      : weight({vocabulary, channels}, Init::normal(deviation), false) {}

  Tensor<T, D> infer(Context<D>& context, Ids ids) const { return ops::embedding<T>(context, ids, weight.value); }
  Tensor<T, D> forward(Context<D>& context, Ids ids, Saved& saved) const {
    saved.ids = ids;
    return infer(context, std::move(ids));
  }
  Ids backward(Context<D>& context, Tensor<T, D> dy, Saved& saved) {
    if (weight.trained()) ops::embedding_backward(context, dy, saved.ids, weight.gradient);
    return {};
  }
  void visit(auto&& v) { v("weight", weight); }

  Parameter<typename P::Weight, D> weight;
};

}  // namespace ligase::inline LIGASE_ISA
