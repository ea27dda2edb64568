#pragma once

#include <common/arguments.hpp>

#include <ligase/instantiate.hpp>
#include <ligase/model.hpp>
#include <ligase/seq/tokenizer/char.hpp>

#include <string>
#include <utility>
#include <vector>

namespace ligase_cli {

template <class Backbone, class P>
using CharModel = ligase::Model<Backbone, ligase::CharTokenizer, ligase::cpu, P>;

inline const std::vector<std::string>& model_names() {
  static const std::vector<std::string> names{"caduceus-ps", "caduceus-ph", "mamba"};
  return names;
}

/// Refuses what this build does not have.
inline void check_device(const CommonFlags& flags) {
  if (flags.device != "cpu")
    throw ligase::Error{{.kind = ligase::ErrorKind::usage,
                         .what = "this program was built without that device",
                         .where = "--device",
                         .expected = "cpu",
                         .found = flags.device}};
  if (flags.precision != "fp32" && flags.precision != "fp64")
    throw ligase::Error{{.kind = ligase::ErrorKind::usage,
                         .what = "the device does not compute in that precision",
                         .where = "--precision",
                         .expected = "fp32 or fp64",
                         .found = flags.precision}};
}

/// Calls f.template operator()<Backbone, P>() for the model and precision of those names: the one place where a run-time
/// name becomes a type.
template <class F>
auto with_model(const std::string& name, const std::string& precision, F&& f) {
  const auto with_precision = [&]<class Backbone>() {
    if (precision == "fp64") return f.template operator()<Backbone, ligase::fp64>();
    return f.template operator()<Backbone, ligase::fp32>();
  };
  if (name == "caduceus-ps") return with_precision.template operator()<ligase::BiMamba<ligase::RCPS>>();
  if (name == "caduceus-ph") return with_precision.template operator()<ligase::BiMamba<ligase::None>>();
  if (name == "mamba") return with_precision.template operator()<ligase::Mamba>();
  std::string list;
  for (const std::string& known : model_names()) list += (list.empty() ? "" : ", ") + known;
  throw ligase::Error{{.kind = ligase::ErrorKind::usage,
                       .what = "unknown model" + did_you_mean(name, model_names()),
                       .where = "--model",
                       .expected = list,
                       .found = name}};
}

/// Whether that model predicts the next token from those before it.
inline bool is_causal(const std::string& name) {
  return with_model(name, "fp32", []<class Backbone, class P>() { return Backbone::causal; });
}

/// The `--model` name of the checkpoint in a folder (find_checkpoint), from its config.json.
inline std::string model_of_checkpoint(const std::filesystem::path& folder) {
  const std::string file = (folder / "config.json").string();
  const ligase::Json json = ligase::parse_json_file<ligase::Json>(file);
  const auto type = ligase::optional_field<std::string>(json, "model_type", file);
  if (type == "caduceus") return ligase::field_or(json, "rcps", false, file) ? "caduceus-ps" : "caduceus-ph";
  if (!type && json.contains("ssm_cfg")) return "mamba";
  throw ligase::Error{{.kind = ligase::ErrorKind::input,
                       .what = "no model of this build reads the checkpoint",
                       .where = file,
                       .expected = "model_type caduceus, or ssm_cfg of a Mamba language model",
                       .found = type ? "model_type " + *type : "no model_type"}};
}

}  // namespace ligase_cli
