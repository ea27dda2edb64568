#pragma once

#include <common/arguments.hpp>

#include <ligase/instantiate.hpp>
#include <ligase/registry.hpp>
#include <ligase/seq/tokenizer/char.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace ligase_cli {

template <class Backbone, class P>
using CharModel = ligase::Model<Backbone, ligase::CharTokenizer, ligase::cpu, P>;

/// The models of the programs.
using Recipes = ligase::StandardRecipes;

inline const std::vector<std::string>& model_names() {
  static const std::vector<std::string> names = Recipes::names();
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

/// Calls f.template operator()<Backbone, P>() for the model and precision of those names.
template <class F>
auto with_model(const std::string& name, const std::string& precision, F&& f) {
  if (std::find(model_names().begin(), model_names().end(), name) == model_names().end()) {
    std::string list;
    for (const std::string& known : model_names()) list += (list.empty() ? "" : ", ") + known;
    throw ligase::Error{{.kind = ligase::ErrorKind::usage,
                         .what = "unknown model" + did_you_mean(name, model_names()),
                         .where = "--model",
                         .expected = list,
                         .found = name}};
  }
  return ligase::with_backbone(Recipes{}, name, [&]<class Backbone>() {
    if (precision == "fp64") return f.template operator()<Backbone, ligase::fp64>();
    return f.template operator()<Backbone, ligase::fp32>();
  });
}

/// Whether that model predicts the next token from those before it.
inline bool is_causal(const std::string& name) {
  return with_model(name, "fp32", []<class Backbone, class P>() { return Backbone::causal; });
}

/// The folder in which configuration and tokenizer files lie, of a checkpoint (find_checkpoint) that may be a file of weights.
inline std::filesystem::path folder_of(const std::filesystem::path& checkpoint) {
  return std::filesystem::is_directory(checkpoint) ? checkpoint : checkpoint.parent_path();
}

/// The `--model` name of a checkpoint (find_checkpoint), from its configuration.
inline std::string model_of_checkpoint(const std::filesystem::path& checkpoint) {
  return ligase::recipe_of(Recipes{}, checkpoint.string());
}

}  // namespace ligase_cli
