#pragma once

#include <ligase/models/mamba_config.hpp>
#include <ligase/nn/add_norm.hpp>
#include <ligase/nn/embedding.hpp>
#include <ligase/nn/norm.hpp>
#include <ligase/nn/strands.hpp>

#include <vector>

namespace ligase::inline LIGASE_ISA {

/// (branch, residual) -> residual + branch; the first layer has no residual yet. With `exchange` (the fused norm path of
/// Caduceus-PS) the two strands then change places.
struct AddResidual {
  bool exchange;
  using Saved = bool;

  auto infer(auto& context, auto x) const {
    auto sum = x.second.empty() ? x.first : ops::add(context, x.first, x.second);
    return exchange ? ops::exchange_strands(context, sum) : sum;
  }
  auto forward(auto& context, auto x, Saved& had_residual) const {
    had_residual = !x.second.empty();
    return infer(context, std::move(x));
  }
  auto backward(auto& context, auto dy, Saved& had_residual) const {
    const auto d = exchange ? ops::exchange_strands(context, dy) : dy;
    return std::pair{d, had_residual ? d : decltype(d){}};
  }
};

/// The residual stream before the first layer: (embedding, nothing).
struct StartResidual {
  using Saved = NothingSaved;
  auto infer(auto&, auto x) const { return std::pair{x, decltype(x){}}; }
  auto forward(auto& context, auto x, Saved&) const { return infer(context, std::move(x)); }
  auto backward(auto&, auto dy, Saved&) const { return dy.first; }
};

/// "add, norm, mixer" with branch and residual apart, as mamba_ssm's Block: (h, r) -> (mixer(norm(r + h)), r + h).
/// With `recompute` a layer keeps r + h alone and runs again in the backward pass.
template <class Mixer, Device D, class P>
struct MambaBlock {
  static auto graph(auto& m) {
    if constexpr (ops::has_fused_add_norm<D>)
      return either(m.recompute, plain(m), fused(m));
    else
      return plain(m);
  }
  static auto plain(auto& m) {
    return seq(AddResidual{m.exchange}, tap("residual"),
               checkpoint(seq(branch, par(seq(m.norm, tap("mixer_in"), m.mixer, tap("hidden")), identity)), m.recompute));
  }
  /// The same without recomputation, sum and norm in one operation.
  static auto fused(auto& m) {
    return seq(add_norm(m.norm, m.exchange), par(seq(tap("mixer_in"), m.mixer, tap("hidden")), tap("residual")));
  }
  void visit(auto&& v) {
    v(mixer_name, mixer);
    v(norm_name, norm);
  }

  Norm<D, P> norm;
  Mixer mixer;
  bool exchange = false;
  bool recompute = false;
  const char* mixer_name = "mixer";
  const char* norm_name = "norm";
};

/// Embedding, layers and final norm of Mamba and Caduceus: ids [B, L] -> [B, L, D].
template <class Mixer, Device D, class P>
struct MambaStack {
  using Block = MambaBlock<Mixer, D, P>;

  MambaStack() = default;
  /// make_mixer() gives one layer's mixer.
  template <class Config, class MakeMixer>
  MambaStack(const Config& c, Index vocabulary, MakeMixer make_mixer)
      : embedding(vocabulary, c.d_model, c.initializer_cfg.initializer_range), norm_f(c.d_model, c.rms_norm, c.norm_epsilon) {
    const InitializerConfig& init = c.initializer_cfg;
    for (Index i = 0; i < c.n_layer; ++i) {
      layers.push_back({Norm<D, P>(c.d_model, c.rms_norm, c.norm_epsilon), make_mixer()});
      if (init.rescale_prenorm_residual)
        layers.back().mixer.scale_out_projection(
            1 / std::sqrt(static_cast<double>(init.n_residuals_per_layer * c.n_layer)));
    }
  }

  static auto graph(auto& m) {
    return seq(m.embedding, tap("embeddings"), StartResidual{}, repeat(m.layers, m.recompute), AddResidual{false}, m.norm_f,
               tap("final_norm"));
  }

  Embedding<D, P> embedding;
  std::vector<Block> layers;
  Norm<D, P> norm_f;
  Index recompute = 0;  ///< blocks that run again in the backward pass, as one group; 0: none, see also MambaBlock
};

}  // namespace ligase::inline LIGASE_ISA
