#include "cases.hpp"

#include <ligase/io/checkpoint_file.hpp>
#include <ligase/models/checkpoint_folder.hpp>

#include <algorithm>
#include <array>
#include <set>

namespace ligase_verify {

using namespace ligase;
namespace fs = std::filesystem;

namespace {

/// Files of README-tokenizers.
constexpr std::array tokenizer_files{"bpe_training.json",
                                     "char_hyenadna.json",
                                     "dnabert2_bpe.json",
                                     "dnabert_kmer.json",
                                     "evo_bytes.json",
                                     "gpt2_bpe.json",
                                     "nucleotide_transformer_6mer.json"};
constexpr std::array variant_scoring_files{"metrics.json", "svm_logreg.safetensors", "find_variant_idx.json"};

bool holds(const fs::path& folder, const char* file) {
  std::error_code ignored;
  return fs::exists(folder / file, ignored);
}

bool is_tokenizers(const fs::path& folder) {
  return folder.filename() == "tokenizers" && std::any_of(tokenizer_files.begin(), tokenizer_files.end(),
                                                          [&](const char* file) { return holds(folder, file); });
}

bool is_variant_scoring(const fs::path& folder) {
  if (std::any_of(variant_scoring_files.begin(), variant_scoring_files.end(),
                  [&](const char* file) { return holds(folder, file); }))
    return true;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("vep_window_") && name.ends_with(".safetensors")) return true;
  }
  return false;
}

bool holds_case(const fs::path& folder) {
  for (const char* file : {"cases.safetensors", "cases.json", "config.json", "recipe.json", "mutagenesis.json"})
    if (holds(folder, file)) return true;
  return is_tokenizers(folder) || is_variant_scoring(folder);
}

void walk(const fs::path& folder, const fs::path& name, std::set<fs::path>& seen, std::vector<CaseFolder>& cases) {
  if (!seen.insert(fs::canonical(folder)).second) return;
  if (holds_case(folder)) cases.push_back({folder, name.string()});
  std::vector<fs::path> below;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_directory()) below.push_back(entry.path());
  std::sort(below.begin(), below.end());
  for (const fs::path& next : below) walk(next, name / next.filename(), seen, cases);
}

[[noreturn]] void refuse(const fs::path& where, std::string what, std::string found = {}) {
  throw Error{{.kind = ErrorKind::input, .what = std::move(what), .where = where.string(), .found = std::move(found)}};
}

Recognised not_built(std::string system) { return {Kind::not_built, std::move(system)}; }

Recognised recognise_json(const fs::path& file) {
  const Json json = parse_json_file(file);
  if (json.is_object() && json.contains("vocab")) return {Kind::char_tokenizer};
  if (json.is_array() && !json.empty() && json[0].contains("i_shift")) return {Kind::intervals};
  if (json.is_array() && !json.empty() && json[0].contains("points")) return {Kind::schedules};
  refuse(file, "nothing tells what this case is");
}

bool mentions_caduceus(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text.find("caduceus") != std::string::npos;
}

/// Text of a field; empty where it is missing or no text.
std::string text_field(const Json& config, const char* field) {
  const auto found = config.find(field);
  return found != config.end() && found->is_string() ? found->get<std::string>() : "";
}

std::vector<std::string> architectures(const Json& config) {
  return field_or(config, "architectures", std::vector<std::string>(), "config.json");
}

Recognised recognise_caduceus(const fs::path& folder, const Json& config) {
  if (text_field(config, "mixer") == "Mamba2") return not_built("PlantCAD2");
  if (config.contains("mixer")) return not_built("PlantCaduceus");
  for (const std::string& name : architectures(config))
    if (name.ends_with("ForSequenceClassification")) return {Kind::caduceus_classifier};
  const StateDict weights = open_state_dict(find_weights(folder));
  for (const TensorView& tensor : weights.tensors())
    if (tensor.name.starts_with("decoder.0.")) return {Kind::caduceus_finetuning};
  return {Kind::caduceus};
}

Recognised recognise_config(const fs::path& folder) {
  const fs::path file = folder / "config.json";
  const Json config = parse_json_file(file);
  if (config.is_array() && !config.empty() && config[0].contains("variant_idx")) return not_built("variant windows");
  if (!config.is_object()) refuse(file, "nothing tells what this case is");
  const auto has = [&](const char* field) { return config.contains(field); };

  if (has("layer") && config["layer"].is_object() && text_field(config["layer"], "_name_") == "hyena")
    return not_built("HyenaDNA");
  if (has("base")) return not_built("LoRA");
  if (has("position_embedding_type") && has("token_dropout")) return not_built("Nucleotide Transformer");
  if (has("attention_types")) return not_built("GPT-Neo");
  if (has("type_vocab_size")) return not_built(has("alibi_starting_size") ? "DNABERT-2" : "DNABERT");
  const std::string model = text_field(config, "model");
  if (model == "genomics_benchmark_cnn") return {Kind::cnn};
  if (holds(folder, "recipe.json")) return {Kind::training};
  if (has("op")) {
    const std::string op = text_field(config, "op");
    if (op == "selective_scan") return {Kind::selective_scan};
    if (op == "causal_conv1d_silu + add_norm") return {Kind::conv_and_norms};
    refuse(file, "unknown operation", op);
  }
  if (names_caduceus(config)) return recognise_caduceus(folder, config);
  if (has("ssm_cfg") && !has("model_type")) return {Kind::mamba};

  if (text_field(config, "model_type") == "enformer") return not_built("Enformer");
  if (text_field(config, "model_type") == "borzoi") return not_built("Borzoi");
  if (model == "Mamba2") return not_built("Mamba-2");
  if (has("hcl_layer_idxs")) return not_built("Evo 2");
  if (has("hyena_layer_idxs")) return not_built("Evo 1");
  if (model.starts_with("gLM2X-Tower") || (has("tokens") && has("dim"))) return not_built("gLM2X-Tower");
  refuse(file, "nothing tells what this case is");
}

}  // namespace

bool names_caduceus(const Json& config) {
  const std::vector<std::string> names = architectures(config);
  return mentions_caduceus(text_field(config, "model_type")) ||
         std::any_of(names.begin(), names.end(), mentions_caduceus);
}

std::vector<CaseFolder> find_cases(const fs::path& folder) {
  std::vector<CaseFolder> cases;
  std::set<fs::path> seen;
  walk(folder, {}, seen, cases);
  for (CaseFolder& one : cases)
    if (one.name.empty()) one.name = fs::canonical(folder).filename().string();
  return cases;
}

Recognised recognise(const fs::path& folder) {
  if (is_variant_scoring(folder)) return not_built("variant scoring");
  if (is_tokenizers(folder)) return {Kind::tokenizers};
  if (holds(folder, "mutagenesis.json")) return not_built("in-silico mutagenesis");
  if (holds(folder, "cases.json")) return recognise_json(folder / "cases.json");
  if (holds(folder, "config.json")) return recognise_config(folder);
  if (!holds(folder, "recipe.json") && Safetensors(folder / "cases.safetensors").find("case0.alpha0.loss") != nullptr)
    return not_built("gLM2X-Tower");
  refuse(folder / "config.json", "the file is missing: nothing tells what this case is");
}

}  // namespace ligase_verify
