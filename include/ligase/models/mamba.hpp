#pragma once

#include <ligase/models/mamba_stack.hpp>
#include <ligase/nn/symmetry.hpp>

#include <memory>
#include <string>
#include <vector>

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
  /// The config.json that this was read from; `write_config` keeps what it holds beside the fields above.
  std::shared_ptr<const Json> published = {};

  Index padded_vocab_size() const { return padded_vocabulary(vocab_size, pad_vocab_size_multiple); }
};

/// Mamba causal language model (Gu & Dao 2023; mamba_ssm/models/mixer_seq_simple.py, v1.2.0).
struct Mamba {
  using Config = MambaConfig;
  using SymmetryType = None;
  static constexpr bool causal = true;
  static constexpr const char* name = "mamba";  ///< as in `--model`
  static constexpr const char* prefix = "backbone";

  /// ids [B, L] -> hidden states [B, L, D].
  template <Device D, class P>
  class Module {
   public:
    using T = typename P::Activation;
    using Stack = MambaStack<MambaMixer<D, P>, D, P>;

    Module() = default;
    explicit Module(const Config& c)
        : stack(checked(c), c.padded_vocab_size(), [&c] { return MambaMixer<D, P>(c.d_model, c.ssm_cfg); }) {}

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

   private:
    static const Config& checked(const Config& c) {
      detail::check_stack(c, "Mamba configuration");
      return c;
    }
  };

  static void check_against_weights(const Config& c, const std::string& where, Index bytes) {
    detail::check_against_weights(c, where, bytes);
  }
  /// Throws kind `input` too for what later releases of mamba_ssm added: attention layers, MLPs, Mamba-2, an untied head.
  template <class J>
  static Config read_config(const J& json, const std::string& where) {
    Config c;
    detail::require_architecture(json, name, where);
    detail::read_stack(json, c, where);
    if (!field_or(json, "tie_embeddings", true, where))
      detail::refuse_config(where, "a head of its own is not supported", "\"tie_embeddings\": true", "false");
    if (const auto width = field_or<Index>(json, "d_intermediate", 0, where); width != 0)
      detail::refuse_config(where, "layers with an MLP are not supported", "\"d_intermediate\": 0",
                            std::to_string(width));
    if (const auto layers = field_or<std::vector<Index>>(json, "attn_layer_idx", {}, where); !layers.empty())
      detail::refuse_config(where, "attention layers are not supported", "an empty \"attn_layer_idx\"",
                            std::to_string(layers.size()) + " layers");
    if (const J* ssm = detail::optional_member(json, "ssm_cfg", where))
      if (const auto layer = field_or<std::string>(*ssm, "layer", "Mamba1", where + ": ssm_cfg"); layer != "Mamba1")
        detail::refuse_config(where, "the mixer is of another kind", "\"layer\": \"Mamba1\"", "\"" + layer + "\"");
    return c;
  }

  /// Fields of config.json that ligase knows. norm_epsilon and initializer_cfg only where they are not the original's
  /// constants: its class takes no other fields than its own.
  template <class J = Json>
  static J fields(const Config& c) {
    J json = detail::write_stack<J>(c);
    json["vocab_size"] = c.vocab_size;
    if (c.norm_epsilon == Config{}.norm_epsilon) json.erase("norm_epsilon");
    if (json["initializer_cfg"] == detail::write_initializer<J>({})) json.erase("initializer_cfg");
    return json;
  }

  template <class J = Json>
  static J write_config(const Config& c) {
    return !c.published ? fields<J>(c) : detail::written_config<Mamba, J>(c);
  }
};

}  // namespace ligase::inline LIGASE_ISA
