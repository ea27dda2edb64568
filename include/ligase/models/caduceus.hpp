#pragma once

#include <ligase/models/mamba_stack.hpp>
#include <ligase/nn/symmetry.hpp>

#include <memory>
#include <string>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// config.json of a Caduceus checkpoint, every field (kuleshov-group/caduceus, configuration_caduceus.py).
struct CaduceusConfig {
  Index d_model = 256;
  Index n_layer = 4;
  Index vocab_size = 12;
  SsmConfig ssm_cfg = {};
  bool rms_norm = true;
  bool residual_in_fp32 = false;
  /// Of RCPS models this selects the function, not just the kernel: the fused path exchanges the strands in every layer.
  bool fused_add_norm = true;
  Index pad_vocab_size_multiple = 8;
  double norm_epsilon = 1e-5;
  InitializerConfig initializer_cfg = {};
  bool bidirectional = true;
  std::string bidirectional_strategy = "add";  ///< or "ew_multiply"
  bool bidirectional_weight_tie = true;
  /// Complement of every token id, padded vocabulary included; RCPS only.
  std::vector<std::int32_t> complement_map = {};
  /// The config.json that this was read from; `write_config` keeps what it holds beside the fields above.
  std::shared_ptr<const Json> published = {};

  Index padded_vocab_size() const { return padded_vocabulary(vocab_size, pad_vocab_size_multiple); }
};

namespace detail {

/// The map of the config extended by the ids that padding adds, which map to themselves; an involution, or an error.
inline std::vector<std::int32_t> padded_complement_map(const CaduceusConfig& c, const std::string& where) {
  const Index size = c.padded_vocab_size();
  std::vector<std::int32_t> map = c.complement_map;
  if (static_cast<Index>(map.size()) < std::min(c.vocab_size, size) || static_cast<Index>(map.size()) > size)
    refuse_config(where, "complement_map does not fit the vocabulary", std::to_string(c.vocab_size) + " entries",
                  std::to_string(map.size()));
  while (static_cast<Index>(map.size()) < size) map.push_back(static_cast<std::int32_t>(map.size()));
  for (std::size_t i = 0; i < map.size(); ++i)
    if (map[i] < 0 || map[i] >= size || map[static_cast<std::size_t>(map[i])] != static_cast<std::int32_t>(i))
      refuse_config(where, "complement_map is no involution", "complement of the complement of id " + std::to_string(i),
                    std::to_string(map[i]));
  return map;
}

/// {"0": 0, "1": 4, ...}
template <class J>
std::vector<std::int32_t> read_complement_map(const J& map, const std::string& where) {
  const JsonPlace place(where, "complement_map");
  if (!map.is_object()) throw_json_type(map, place, "an object");
  std::vector<std::int32_t> ids;
  for (std::size_t i = 0; i < map.size(); ++i) {
    const std::string name = std::to_string(i);
    const J* id = find_member(map, name);
    if (id == nullptr) refuse_config(where, "complement_map has a gap", "an entry for id " + name, "none");
    ids.push_back(convert_json<std::int32_t>(*id, JsonPlace::member(place, name)));
  }
  return ids;
}

inline void check_caduceus(const CaduceusConfig& c, bool rcps, const std::string& where) {
  check_stack(c, where);
  if (c.bidirectional_strategy != "add" && c.bidirectional_strategy != "ew_multiply")
    refuse_config(where, "field \"bidirectional_strategy\" is unknown", "\"add\" or \"ew_multiply\"",
                  "\"" + c.bidirectional_strategy + "\"");
  if (rcps && c.complement_map.empty())
    refuse_config(where, "rcps needs a complement_map", std::to_string(c.padded_vocab_size()) + " entries", "none");
  if (!c.complement_map.empty()) padded_complement_map(c, where);
}

}  // namespace detail

/// Caduceus (Schiff et al., ICML 2024, arXiv 2403.03234; kuleshov-group/caduceus, modeling_caduceus.py and
/// modeling_rcps.py): Mamba layers that read in both directions. BiMamba<None> is Caduceus-Ph, BiMamba<RCPS> Caduceus-PS.
/// Quirk kept: of RCPS models with fused_add_norm, as all published ones, every layer exchanges the strands.
template <Symmetry S>
struct BiMamba {
  using Config = CaduceusConfig;
  using SymmetryType = S;
  static constexpr bool causal = false;
  static constexpr bool rcps = S::strands == 2;
  /// As in `--model`.
  static constexpr const char* name = rcps ? "caduceus-ps" : "caduceus-ph";
  static constexpr const char* prefix = "caduceus.backbone";

  /// ids [B, L] -> hidden states [strands B, L, D].
  template <Device D, class P>
  class Module {
   public:
    using T = typename P::Activation;
    using Mixer = BiMambaMixer<D, P>;
    using Stack = MambaStack<Mixer, D, P>;

    Module() = default;
    explicit Module(const Config& c)
        : stack(checked(c), c.padded_vocab_size(), [&c] {
            return Mixer(c.d_model, c.ssm_cfg,
                         {c.bidirectional, c.bidirectional_weight_tie, c.bidirectional_strategy == "ew_multiply"});
          }) {
      if constexpr (rcps) {
        if constexpr (D::holds_data)
          complement.value = Tensor<std::int32_t, D>::from({c.padded_vocab_size()},
                                                           detail::padded_complement_map(c, "Caduceus configuration"));
        else
          complement.value = Tensor<std::int32_t, D>({c.padded_vocab_size()});
        for (auto& layer : stack.layers) {
          layer.exchange = c.fused_add_norm;
          layer.mixer_name = "mixer.submodule";
          if (!c.fused_add_norm) layer.norm_name = "norm.submodule";
        }
        if (!c.fused_add_norm) norm_f_name_ = "norm_f.submodule";
      }
    }

    static auto graph(auto& m) {
      if constexpr (rcps)
        return seq(BothStrands{m.complement.value}, m.stack);
      else
        return seq(m.stack);
    }
    /// Weight of the tied language-model head and what follows it.
    auto& tied_weight() { return stack.embedding.weight; }
    const auto& tied_weight() const { return stack.embedding.weight; }
    auto join_strands() const {
      if constexpr (rcps)
        return JoinStrandLogits{complement.value};
      else
        return Identity{};
    }
    /// The language-model head's names, all of them second names of the embedding's tensors.
    void visit_head(auto&& v) {
      v.alias(rcps ? "lm_head.lm_head.weight" : "lm_head.weight", stack.embedding.weight);
      if constexpr (rcps) v("lm_head.complement_map", complement);
    }
    void visit(auto&& v) {
      const std::string words = "embeddings.word_embeddings";
      if constexpr (rcps) v(words + ".complement_map", complement);
      v(rcps ? words + ".embedding" : words, stack.embedding);
      for (std::size_t i = 0; i < stack.layers.size(); ++i) v("layers." + std::to_string(i), stack.layers[i]);
      v(norm_f_name_, stack.norm_f);
    }

    Stack stack;
    Buffer<std::int32_t, D> complement;  ///< RCPS only

   private:
    static const Config& checked(const Config& c) {
      detail::check_caduceus(c, rcps, "Caduceus configuration");
      return c;
    }

    const char* norm_f_name_ = "norm_f";
  };

  static void check_against_weights(const Config& c, const std::string& where, Index bytes) {
    detail::check_against_weights(c, where, bytes);
  }
  template <class J>
  static Config read_config(const J& json, const std::string& where) {
    Config c;
    if (const auto found = architecture_of(json, where).name; found == (rcps ? "caduceus-ph" : "caduceus-ps"))
      detail::refuse_config(where, "the checkpoint has another strand symmetry",
                            rcps ? "\"rcps\": true" : "\"rcps\": false", rcps ? "false" : "true");
    detail::require_architecture(json, name, where);
    detail::read_stack(json, c, where);
    const FieldReader<J> read{json, where};
    read("bidirectional", c.bidirectional);
    read("bidirectional_strategy", c.bidirectional_strategy);
    read("bidirectional_weight_tie", c.bidirectional_weight_tie);
    if (const J* map = detail::optional_member(json, "complement_map", where))
      c.complement_map = detail::read_complement_map(*map, where);
    detail::check_caduceus(c, rcps, where);
    return c;
  }

  /// Fields of config.json that ligase knows.
  template <class J = Json>
  static J fields(const Config& c) {
    J json = detail::write_stack<J>(c);
    json["bidirectional"] = c.bidirectional;
    json["bidirectional_strategy"] = c.bidirectional_strategy;
    json["bidirectional_weight_tie"] = c.bidirectional_weight_tie;
    J map = J::object();
    for (std::size_t i = 0; i < c.complement_map.size(); ++i) map[std::to_string(i)] = c.complement_map[i];
    json["complement_map"] = std::move(map);
    json["rcps"] = rcps;
    json["vocab_size"] = c.padded_vocab_size();
    return json;
  }

  /// Keys sorted, as transformers writes them. What the file that was read does not say points at the code of a published
  /// repository, so that AutoModel finds it.
  template <class J = Json>
  static J write_config(const Config& c) {
    J json = !c.published ? fields<J>(c) : detail::written_config<BiMamba, J>(c);
    const std::string code = std::string("kuleshov-group/") + name + "_seqlen-131k_d_model-256_n_layer-16--";
    const J usual{
        {"architectures", {"CaduceusForMaskedLM"}},
        {"auto_map",
         {{"AutoConfig", code + "configuration_caduceus.CaduceusConfig"},
          {"AutoModel", code + "modeling_caduceus.Caduceus"},
          {"AutoModelForMaskedLM", code + "modeling_caduceus.CaduceusForMaskedLM"},
          {"AutoModelForSequenceClassification", code + "modeling_caduceus.CaduceusForSequenceClassification"}}},
        {"model_type", "caduceus"},
        {"torch_dtype", "float32"},
        {"transformers_version", "4.38.1"}};
    for (auto field = usual.begin(); field != usual.end(); ++field)
      if (!json.contains(field.key())) json[field.key()] = *field;
    return json;
  }
};

}  // namespace ligase::inline LIGASE_ISA
