#pragma once

#include <ligase/nn/param.hpp>
#include <ligase/nn/wire.hpp>
#include <ligase/ops/conv1d_dense.hpp>
#include <ligase/ops/max_pool.hpp>
#include <ligase/ops/relu.hpp>
#include <ligase/ops/token_conv1d.hpp>
#include <ligase/ops/transpose.hpp>

#include <cmath>
#include <cstdint>

namespace ligase::inline LIGASE_ISA {

/// Weight and bias of a convolution without padding, drawn as torch.nn.Conv1d draws them: U(+-1/sqrt(C K)). The bias does
/// not decay.
template <Device D, class P>
struct DenseConvWeights {
  using T = typename P::Activation;

  DenseConvWeights() = default;
  DenseConvWeights(Index channels, Index outputs, Index taps)
      : weight({outputs, channels, taps}, Init::uniform(1 / std::sqrt(static_cast<double>(channels * taps)))),
        bias({outputs}, weight.init, false) {}

  void visit(auto&& v) {
    v("weight", weight);
    v("bias", bias);
  }

  Parameter<T, D> weight, bias;
};

/// [B, L, C] -> [B, L - K + 1, O], see ops::conv1d_dense.
template <Device D, class P>
struct Conv1dDense : DenseConvWeights<D, P> {
  using X = Tensor<typename P::Activation, D>;
  struct Saved {
    X x;
  };
  using DenseConvWeights<D, P>::DenseConvWeights;

  X infer(Context<D>& context, X x) const {
    return ops::conv1d_dense(context, x, this->weight.value, this->bias.value);
  }
  X forward(Context<D>& context, X x, Saved& saved) const {
    saved.x = x;
    return infer(context, std::move(x));
  }
  X backward(Context<D>& context, X dy, Saved& saved) {
    return ops::conv1d_dense_backward(context, dy, saved.x, this->weight.value, this->weight.gradient,
                                      this->bias.gradient);
  }
};

/// Embedding and convolution of ids [B, L] -> [B, L - K + 1, O] in one, see ops::token_conv1d. Ends the wiring: there is no
/// gradient for ids. Both members belong to others.
template <Device D, class P>
struct TokenConv1d {
  using X = Tensor<typename P::Activation, D>;
  using Ids = Tensor<std::int32_t, D>;
  struct Saved {
    Ids ids;
  };
  const Parameter<typename P::Activation, D>& embedding;
  const DenseConvWeights<D, P>& conv;

  X infer(Context<D>& context, Ids ids) const {
    return ops::token_conv1d(context, ids, embedding.value, conv.weight.value, conv.bias.value);
  }
  X forward(Context<D>& context, Ids ids, Saved& saved) const {
    saved.ids = ids;
    return infer(context, std::move(ids));
  }
  Ids backward(Context<D>& context, X dy, Saved& saved) const {
    // Copies share the elements of the gradients.
    X dembedding = embedding.gradient, dweight = conv.weight.gradient, dbias = conv.bias.gradient;
    ops::token_conv1d_backward(context, dy, saved.ids, embedding.value, conv.weight.value, dembedding, dweight, dbias);
    return {};
  }
};

/// [B, L, C] -> [B, floor(L / window), C]
struct MaxPool {
  Index window;
  template <class X>
  using Saved = X;
  auto infer(auto& context, auto x) const { return ops::max_pool(context, x, window); }
  template <class X>
  auto forward(auto& context, X x, X& saved) const {
    saved = x;
    return ops::max_pool(context, x, window);
  }
  auto backward(auto& context, auto dy, auto& saved) const {
    return ops::max_pool_backward(context, dy, saved, window);
  }
};

struct Relu {
  template <class X>
  using Saved = X;
  auto infer(auto& context, auto x) const { return ops::relu(context, x); }
  template <class X>
  auto forward(auto& context, X x, X& saved) const {
    saved = ops::relu(context, x);
    return saved;
  }
  auto backward(auto& context, auto dy, auto& saved) const { return ops::relu_backward(context, dy, saved); }
};

/// [B, L, C] -> [B, C L], channel by channel.
struct FlattenChannels {
  using Saved = Shape;
  auto infer(auto& context, auto x) const {
    return ops::transpose(context, x).reshaped({x.size(0), x.size(1) * x.size(2)});
  }
  auto forward(auto& context, auto x, Saved& saved) const {
    saved = x.shape();
    return infer(context, std::move(x));
  }
  auto backward(auto& context, auto dy, Saved& saved) const {
    return ops::transpose(context, dy.reshaped({saved[0], saved[2], saved[1]}));
  }
};

inline constexpr Relu relu;
inline constexpr FlattenChannels flatten_channels;
constexpr MaxPool max_pool(Index window) { return {window}; }

}  // namespace ligase::inline LIGASE_ISA
