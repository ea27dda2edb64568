#include <doctest/doctest.h>

#include <ligase/instantiate.hpp>
#include <ligase/registry.hpp>
#include <ligase/seq/tokenizer/char.hpp>

#include <support/errors.hpp>
#include <support/shared.hpp>
#include <unit/io/temporary_folder.hpp>

#include <string>

using namespace ligase;
using ligase_test::input_error;

namespace {

using Ps = BiMamba<RCPS>;
using Ph = BiMamba<None>;

Json caduceus(bool rcps) {
  CaduceusConfig c;
  c.d_model = 24;
  c.n_layer = 3;
  c.complement_map = CharTokenizer{}.complement_map(16);
  return rcps ? Ps::write_config(c) : Ph::write_config(c);
}

template <class Backbone>
std::string refused(Json json, const char* field, const Json& value) {
  json[Json::json_pointer(field)] = value;
  return input_error([&] { Backbone::read_config(json, "config.json"); });
}

}  // namespace

TEST_CASE("a fresh Caduceus configuration has the fields of the published ones") {
  const Json json = caduceus(true);
  for (const char* field :
       {"architectures", "auto_map", "bidirectional", "bidirectional_strategy", "bidirectional_weight_tie", "complement_map",
        "d_model", "fused_add_norm", "initializer_cfg", "model_type", "n_layer", "norm_epsilon", "pad_vocab_size_multiple",
        "rcps", "residual_in_fp32", "rms_norm", "ssm_cfg", "torch_dtype", "transformers_version", "vocab_size"})
    CHECK_MESSAGE(json.contains(field), field);
  CHECK(json.size() == 20);
  CHECK(json["architectures"] == Json{"CaduceusForMaskedLM"});
  CHECK(json["auto_map"]["AutoModelForMaskedLM"] ==
        "kuleshov-group/caduceus-ps_seqlen-131k_d_model-256_n_layer-16--modeling_caduceus.CaduceusForMaskedLM");
  CHECK(json["complement_map"].size() == 16);
  CHECK(json["complement_map"]["7"] == 10);
  CHECK(json["vocab_size"] == 16);
  CHECK(json["ssm_cfg"]["dt_rank"] == "auto");
  CHECK(caduceus(false)["rcps"] == false);
}

TEST_CASE("what was read is written back, known or not") {
  Json json = caduceus(true);
  json["gradient_checkpointing_stride"] = 1;
  json["transformers_version"] = "4.99.0";
  json["torch_dtype"] = "bfloat16";
  json["ssm_cfg"]["later"] = {{"a", nullptr}, {"b", {1, 2.5}}};
  json["bidirectional_strategy"] = nullptr;
  json["auto_map"] = {{"AutoConfig", "configuration_caduceus.CaduceusConfig"}};
  json["initializer_cfg"] = nullptr;
  json.erase("residual_in_fp32");
  CaduceusConfig c = Ps::read_config(json, "config.json");
  CHECK(c.bidirectional_strategy == "add");
  CHECK(c.residual_in_fp32);
  CHECK(Ps::write_config(c) == json);

  c.n_layer = 5;
  c.ssm_cfg.d_state = 8;
  c.residual_in_fp32 = false;
  json["n_layer"] = 5;
  json["ssm_cfg"]["d_state"] = 8;
  json["residual_in_fp32"] = false;
  CHECK(Ps::write_config(c) == json);
  CHECK(Ps::read_config(Ps::write_config(c), "").n_layer == 5);
}

TEST_CASE("a Mamba configuration holds only what the original's class takes") {
  const Json json = Mamba::write_config({});
  CHECK(json.size() == 8);
  for (const char* field : {"d_model", "n_layer", "vocab_size", "ssm_cfg", "rms_norm", "residual_in_fp32", "fused_add_norm",
                            "pad_vocab_size_multiple"})
    CHECK_MESSAGE(json.contains(field), field);
  MambaConfig c;
  c.norm_epsilon = 1e-6;
  CHECK(Mamba::read_config(Mamba::write_config(c), "").norm_epsilon == 1e-6);
  CHECK(refused<Mamba>(json, "/tie_embeddings", false).find("a head of its own") != std::string::npos);
  CHECK(refused<Mamba>(json, "/d_intermediate", 64).find("layers with an MLP") != std::string::npos);
  CHECK(refused<Mamba>(json, "/attn_layer_idx", {1, 3}).find("attention layers") != std::string::npos);
  CHECK(refused<Mamba>(json, "/ssm_cfg/layer", "Mamba2").find("the mixer is of another kind") != std::string::npos);
  Json later = json;
  later["tie_embeddings"] = true;
  later["ssm_cfg"]["layer"] = "Mamba1";
  CHECK(Mamba::write_config(Mamba::read_config(later, "")) == later);
}

TEST_CASE("contradictions are refused") {
  const Json ps = caduceus(true);
  CHECK(refused<Ps>(ps, "/complement_map", nullptr) == "config.json: rcps needs a complement_map; expected 16 entries, found none");
  CHECK(refused<Ps>(ps, "/complement_map/7", 8).find("complement_map is no involution") != std::string::npos);
  CHECK(refused<Ph>(caduceus(false), "/complement_map/7", 8).find("complement_map is no involution") != std::string::npos);
  CHECK(refused<Ps>(ps, "/complement_map/16", 16).find("complement_map does not fit the vocabulary") != std::string::npos);
  CHECK(refused<Ps>(ps, "/complement_map/x", 16).find("complement_map has a gap") != std::string::npos);
  CHECK(refused<Ps>(ps, "/vocab_size", 24).find("complement_map does not fit the vocabulary") != std::string::npos);
  CHECK(refused<Ps>(ps, "/pad_token_id", 16) ==
        "config.json: pad_token_id lies outside the vocabulary; expected below vocab_size 16, found 16");
  CHECK(refused<Ps>(ps, "/pad_token_id", -100) == "no error");
  CHECK(refused<Ps>(ps, "/ssm_cfg/dt_max", 1e-4).find("contradicting step sizes") != std::string::npos);
  CHECK(refused<Ps>(ps, "/ssm_cfg/dt_scale", 0).find("contradicting step sizes") != std::string::npos);
  CHECK(refused<Ps>(ps, "/ssm_cfg/dt_init", "zero").find("\"dt_init\" is unknown") != std::string::npos);
  CHECK(refused<Ps>(ps, "/initializer_cfg/initializer_range", -1).find("initializer_range") != std::string::npos);
  CHECK(refused<Ps>(ps, "/pad_vocab_size_multiple", 0).find("pad_vocab_size_multiple") != std::string::npos);
  CHECK(refused<Ps>(ps, "/rcps", false) ==
        "config.json: the checkpoint has another strand symmetry; expected \"rcps\": true, found false");
}

TEST_CASE("every size that the weights cannot have is refused before anything is allocated") {
  MambaConfig small;
  small.d_model = 8;
  const auto refused_sizes = [](const MambaConfig& c) {
    return input_error([&] { Mamba::check_against_weights(c, "config.json", 100'000); });
  };
  CHECK(refused_sizes(small) == "no error");
  MambaConfig states = small, steps = small, taps = small, padded = small;
  states.n_layer = steps.n_layer = taps.n_layer = 4096;
  states.ssm_cfg.expand = steps.ssm_cfg.expand = taps.ssm_cfg.expand = 256;
  states.ssm_cfg.d_state = 4096;
  steps.ssm_cfg.dt_rank = 65536;
  taps.ssm_cfg.d_conv = 1024;
  padded.d_model = 1024;
  padded.pad_vocab_size_multiple = 65536;
  for (const MambaConfig& c : {states, steps, taps, padded})
    CHECK(
        refused_sizes(c).starts_with("config.json: the sizes need more weights than model.safetensors holds; expected "
                                     "what fits into 100000 bytes, found n_layer "));
}

TEST_CASE("a configuration of another system says which one it is") {
  const auto title = [](const char* text) { return architecture_of(parse_json<Json>(text, "x"), "x").title; };
  const auto name = [](const char* text) { return architecture_of(parse_json<Json>(text, "x"), "x").name; };
  CHECK(title(R"({"model_type": "bert"})") == "DNABERT or another BERT (model_type \"bert\")");
  CHECK(title(R"({"model_type": "bert", "alibi_starting_size": 512, "architectures": ["BertForMaskedLM"]})") ==
        "DNABERT-2 (model_type \"bert\", class BertForMaskedLM, field \"alibi_starting_size\")");
  CHECK(name(R"({"model_type": "esm", "token_dropout": true})") == "nt-v1");
  CHECK(name(R"({"model_type": "esm", "add_bias_fnn": false})") == "nt-v2");
  CHECK(name(R"({"model_type": "gpt_neo"})") == "gpt-neo");
  CHECK(name(R"({"model_type": "hyenadna"})") == "hyenadna");
  CHECK(name(R"({"model_type": "stripedhyena"})") == "evo1");
  CHECK(name(R"({"hcl_layer_idxs": [2], "hyena_layer_idxs": [0]})") == "evo2");
  CHECK(name(R"({"layer": {"_name_": "hyena"}})") == "hyenadna");
  CHECK(name(R"({"architectures": ["CaduceusForMaskedLM"], "rcps": true})") == "caduceus-ps");
  CHECK(name(R"({"_target_": "x", "rcps": false, "ssm_cfg": {}})") == "caduceus-ph");
  CHECK(name(R"({"model_type": "caduceus", "rcps": true, "ssm_cfg": {"headdim": 64}})") == "plantcad2");
  CHECK(name(R"({"ssm_cfg": {}})") == "mamba");
  CHECK(name(R"({"ssm_cfg": null})").empty());
  CHECK(title(R"({"model_type": "mamba2"})") == "Mamba-2 (model_type \"mamba2\")");
  CHECK(title(R"({"model_type": "llama"})") == "an unknown system (model_type \"llama\")");
  CHECK(title("{}") == "an unknown system (no model_type)");
  CHECK(input_error([] { Ps::read_config(parse_json<Json>(R"({"model_type": "llama"})", ""), "c.json"); }) ==
        "c.json: the checkpoint is of another architecture; expected caduceus-ps, found an unknown system (model_type \"llama\")");
  CHECK(input_error([] { Mamba::read_config(caduceus(false), "c.json"); }).starts_with(
      "c.json: the checkpoint is of another architecture; expected mamba, found Caduceus"));
}

TEST_CASE("the registry turns a folder into a type") {
  const ligase_test::TemporaryFolder folder;
  const auto save = [&](auto model, const char* name) { model.save(folder / name); };
  save(Model<Ps, CharTokenizer>({.d_model = 8, .n_layer = 1}, 1), "ps");
  save(Model<Ph, CharTokenizer>({.d_model = 12, .n_layer = 1}, 1), "ph");
  save(Model<Mamba, CharTokenizer>({.d_model = 4, .n_layer = 1}, 1), "mamba");
  const auto width = [&](const char* name) {
    return with_model<CharTokenizer>((folder / name).string(), [](auto& model) { return model.embed("ACGT").size(2); });
  };
  CHECK(width("ps") == 16);
  CHECK(width("ph") == 12);
  CHECK(width("mamba") == 4);
  CHECK(recipe_of(StandardRecipes{}, (folder / "ph").string()) == "caduceus-ph");
  CHECK(input_error([&] { recipe_of(Recipes<Mamba, Ps>{}, (folder / "ph").string()); })
            .ends_with("no model of this build reads the checkpoint; expected mamba, caduceus-ps, found Caduceus (model_type "
                       "\"caduceus\", class CaduceusForMaskedLM)"));
  const Error unknown = ligase_test::error_of([] { with_backbone(StandardRecipes{}, "bert", []<class B>() { return B::causal; }); });
  CHECK(unknown.kind() == ErrorKind::usage);
  CHECK(std::string(unknown.what()) == "unknown model; expected caduceus-ps, caduceus-ph, mamba, found bert");

  // What was written is read again, and written with the same bytes.
  const auto first = read_file(folder / "ps/model.safetensors"), config = read_file(folder / "ps/config.json");
  Model<Ps, CharTokenizer>::load((folder / "ps").string()).save(folder / "again");
  CHECK(read_file(folder / "again/model.safetensors") == first);
  CHECK(read_file(folder / "again/config.json") == config);
  const Json tokenizer = parse_json_file<Json>(folder / "ps/tokenizer_config.json");
  CHECK(tokenizer["tokenizer_class"] == "CaduceusTokenizer");
  CHECK(tokenizer["eos_token"] == "[SEP]");
  CHECK(tokenizer["model_max_length"] == 131072);
  CHECK(parse_json_file<Json>(folder / "ps/special_tokens_map.json").size() == 7);
}

TEST_CASE("every published configuration of the reference set comes back as it was") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no shared folder");
    return;
  }
  const auto check = [&]<class Backbone>(const char* name) {
    const auto file = *shared / "reference/golden" / name / "config.json";
    const Json json = parse_json_file<Json>(file);
    const Json written = Backbone::write_config(Backbone::read_config(json, file.string()));
    for (auto field = json.begin(); field != json.end(); ++field) CHECK_MESSAGE(written[field.key()] == *field, field.key());
    CHECK(written.size() == json.size());
  };
  check.operator()<Ps>("caduceus_ps");
  check.operator()<Ps>("caduceus_ps_unfused");
  check.operator()<Ph>("caduceus_ph");
  check.operator()<Ph>("caduceus_ph_untied_mul_layernorm");
  check.operator()<Mamba>("mamba_lm");
}
