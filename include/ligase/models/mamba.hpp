#pragma once

#include <ligase/models/mamba_stack.hpp>
#include <ligase/nn/symmetry.hpp>

#include <string>

namespace ligase::inline LIGASE_ISA {

/// config.json of a Mamba language model (state-spaces/mamba, mamba_ssm/models/config_mamba.py).
struct MambaConfig {
  Index d_model = 256;
  Index n_layer = 8;
  Index vocab_size = 12;
  SsmConfig ssm_cfg = {};
  bool rms_norm = true;
  bool residual_in_fp32 = false;
  bool fused_add_norm = true;  ///< selects a kernel in the original; no effect here
  Index pad_vocab_size_multiple = 8;
  double norm_epsilon = 1e-5;
  InitializerConfig initializer_cfg = {};

  Index padded_vocab_size() const { return padded_vocabulary(vocab_size, pad_vocab_size_multiple); }
};

/// Mamba causal language model (Gu & Dao 2023; mamba_ssm/models/mixer_seq_simple.py, v1.2.0).
struct Mamba {
  using Config = MambaConfig;
  using SymmetryType = None;
  static constexpr bool causal = true;
  static constexpr const char* model_type = "mamba";
  static constexpr const char* prefix = "backbone";

  /// ids [B, L] -> hidden states [B, L, D].
  template <Device D, class P>
  class Module {
   public:
    using T = typename P::Activation;
    using Stack = MambaStack<MambaMixer<D, P>, D, P>;

    Module() = default;
    explicit Module(const Config& c) {
      detail::check_stack(c, "Mamba configuration");
      stack = Stack(c, c.padded_vocab_size(), [&] { return MambaMixer<D, P>(c.d_model, c.ssm_cfg); });
    }

    static auto graph(auto& m) { return seq(m.stack); }
    auto& tied_weight() { return stack.embedding.weight; }
    const auto& tied_weight() const { return stack.embedding.weight; }
    auto join_strands() const { return Identity{}; }
    void visit_head(auto&& v) { v.alias("lm_head.weight", stack.embedding.weight); }
    void visit(auto&& v) {
      v("embedding", stack.embedding);
      for (std::size_t i = 0; i < stack.layers.size(); ++i) v("layers." + std::to_string(i), stack.layers[i]);
      v("norm_f", stack.norm_f);
    }

    Stack stack;
  };

  static void check_against_weights(const Config& c, const std::string& where, Index bytes) {
    detail::check_against_weights(c, where, bytes);
  }
  static Config read_config(const Json& json, const std::string& where) {
    Config c;
    detail::read_stack(json, c, where);
    return c;
  }

  static OrderedJson write_config(const Config& c) {
    return {{"d_model", c.d_model},
            {"n_layer", c.n_layer},
            {"vocab_size", c.vocab_size},
            {"ssm_cfg", detail::write_ssm(c.ssm_cfg)},
            {"initializer_cfg", detail::write_initializer(c.initializer_cfg)},
            {"rms_norm", c.rms_norm},
            {"norm_epsilon", c.norm_epsilon},
            {"residual_in_fp32", c.residual_in_fp32},
            {"fused_add_norm", c.fused_add_norm},
            {"pad_vocab_size_multiple", c.pad_vocab_size_multiple}};
  }
};

}  // namespace ligase::inline LIGASE_ISA
