#pragma once

#include <ligase/io/json.hpp>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// What a config.json describes.
struct Architecture {
  std::string name;   ///< as in `--model`: "caduceus-ps", "gpt-neo"; empty: not known
  std::string title;  ///< for people: "DNABERT-2 (model_type \"bert\")"
};

namespace detail {

/// A system and how its config.json is known: it has this `model_type` (empty: none), its first class begins so (empty: not
/// looked at), and it has this field ("a.b" is field b of object a; empty: not looked at). Rules are tried in order.
struct ArchitectureRule {
  std::string_view name, title, model_type, class_begin, field;
};

inline constexpr std::array<ArchitectureRule, 35> architecture_rules{{
    {"plantcad2", "PlantCAD2, a Caduceus over Mamba-2", "caduceus", "", "ssm_cfg.headdim"},
    {"plantcad2", "PlantCAD2, a Caduceus over Mamba-2", "caduceus", "PlantCAD2", ""},
    {"caduceus", "Caduceus", "caduceus", "", ""},
    {"", "Mamba-2", "mamba2", "", ""},
    {"", "Mamba in the layout of transformers", "mamba", "", ""},
    {"dnabert2", "DNABERT-2", "bert", "", "alibi_starting_size"},
    {"dnabert", "DNABERT or another BERT", "bert", "", ""},
    {"nt-v2", "Nucleotide Transformer v2", "esm", "", "add_bias_fnn"},
    {"nt-v1", "Nucleotide Transformer or another ESM", "esm", "", ""},
    {"gpt-neo", "GPT-Neo", "gpt_neo", "", ""},
    {"hyenadna", "HyenaDNA", "hyenadna", "", ""},
    {"evo1", "Evo, a StripedHyena", "stripedhyena", "", ""},
    {"enformer", "Enformer", "enformer", "", ""},
    {"borzoi", "Borzoi", "borzoi", "", ""},
    {"plantcad2", "PlantCAD2, a Caduceus over Mamba-2", "", "PlantCAD2", ""},
    {"caduceus", "Caduceus", "", "Caduceus", ""},
    {"", "Mamba-2", "", "Mamba2", ""},
    {"", "Mamba in the layout of transformers", "", "MambaFor", ""},
    {"dnabert", "DNABERT or another BERT", "", "Bert", ""},
    {"nt-v1", "Nucleotide Transformer or another ESM", "", "Esm", ""},
    {"gpt-neo", "GPT-Neo", "", "GPTNeo", ""},
    {"hyenadna", "HyenaDNA", "", "HyenaDNA", ""},
    {"evo1", "Evo, a StripedHyena", "", "StripedHyena", ""},
    {"", "a LoRA adapter without the model below it", "", "", "lora_alpha"},
    {"plantcad2", "PlantCAD2 or another Mamba-2", "", "", "ssm_cfg.headdim"},
    {"dnabert2", "DNABERT-2", "", "", "alibi_starting_size"},
    {"hyenadna", "HyenaDNA", "", "", "layer._name_"},
    {"evo2", "Evo 2, a StripedHyena 2", "", "", "hcl_layer_idxs"},
    {"evo1", "Evo, a StripedHyena", "", "", "hyena_layer_idxs"},
    {"gpt-neo", "GPT-Neo", "", "", "attention_types"},
    {"nt-v2", "Nucleotide Transformer v2", "", "", "add_bias_fnn"},
    {"nt-v1", "Nucleotide Transformer or another ESM", "", "", "token_dropout"},
    {"dnabert", "DNABERT or another BERT", "", "", "type_vocab_size"},
    {"caduceus", "Caduceus", "", "", "rcps"},
    {"mamba", "Mamba", "", "", "ssm_cfg"},
}};

template <class J>
bool has_field(const J& json, std::string_view path) {
  const auto dot = path.find('.');
  const J* found = find_member(json, path.substr(0, dot));
  if (found == nullptr || found->is_null()) return false;
  return dot == std::string_view::npos || find_member(*found, path.substr(dot + 1)) != nullptr;
}

}  // namespace detail

/// The system that a config.json describes, by `model_type`, `architectures` and fields that only it has. A Caduceus is
/// "caduceus-ps" or "caduceus-ph" by `rcps`; `ssm_cfg` without model_type is the Mamba of mamba_ssm. `where` (the file) goes
/// into messages. Throws kind `input` where it is no object or these fields have a wrong type.
template <class J>
Architecture architecture_of(const J& json, const std::string& where) {
  const auto type = optional_field<std::string>(json, "model_type", where);
  const auto classes = optional_field<std::vector<std::string>>(json, "architectures", where);
  const std::string first = classes && !classes->empty() ? classes->front() : "";
  std::string because = type ? "model_type \"" + *type + "\"" : "no model_type";
  if (!first.empty()) because += ", class " + first;
  for (const detail::ArchitectureRule& rule : detail::architecture_rules) {
    if (type.value_or("") != rule.model_type || !first.starts_with(rule.class_begin)) continue;
    if (!rule.field.empty() && !detail::has_field(json, rule.field)) continue;
    if (!rule.field.empty()) because += ", field \"" + std::string(rule.field) + "\"";
    std::string name(rule.name);
    if (name == "caduceus") name += field_or(json, "rcps", false, where) ? "-ps" : "-ph";
    return {std::move(name), std::string(rule.title) + " (" + because + ")"};
  }
  return {"", "an unknown system (" + because + ")"};
}

}  // namespace ligase::inline LIGASE_ISA
