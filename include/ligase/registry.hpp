#pragma once

#include <ligase/model.hpp>
#include <ligase/models/architecture.hpp>
#include <ligase/models/caduceus.hpp>
#include <ligase/models/mamba.hpp>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// The models that a program is compiled with, each with a `name` as in `--model`.
template <class... Backbones>
struct Recipes {
  static std::vector<std::string> names() { return {Backbones::name...}; }
};

using StandardRecipes = Recipes<BiMamba<RCPS>, BiMamba<None>, Mamba>;

namespace detail {

inline std::string joined(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

template <class Result, class First, class... Rest, class F>
Result with_recipe(const std::string& name, F& f) {
  if constexpr (sizeof...(Rest) == 0)
    return f.template operator()<First>();
  else
    return name == First::name ? f.template operator()<First>() : with_recipe<Result, Rest...>(name, f);
}

}  // namespace detail

/// `f.template operator()<Backbone>()` for the recipe of that name: the one place where a run-time name becomes a type. All
/// calls return the same type. Throws kind `usage` for another name, with the list.
template <class First, class... Rest, class F>
auto with_backbone(Recipes<First, Rest...> recipes, const std::string& name, F&& f) {
  bool known = false;
  for (const std::string& candidate : recipes.names()) known |= candidate == name;
  if (!known)
    throw Error{{.kind = ErrorKind::usage,
                 .what = "unknown model",
                 .expected = detail::joined(recipes.names()),
                 .found = name}};
  return detail::with_recipe<decltype(f.template operator()<First>()), First, Rest...>(name, f);
}

/// The recipe's name of the checkpoint that a user names (find_checkpoint), from its configuration alone. Throws kind `input`
/// for a model that is not in the list, and names it.
template <class... Backbones>
std::string recipe_of(Recipes<Backbones...> recipes, const std::string& checkpoint) {
  const std::filesystem::path place = find_checkpoint(checkpoint);
  const bool is_folder = std::filesystem::is_directory(place);
  const std::string file = detail::config_in(is_folder ? place : place.parent_path()).string();
  Architecture found = architecture_of(parse_json_file<Json>(file), file);
  for (const std::string& name : recipes.names())
    if (name == found.name) return name;
  throw Error{{.kind = ErrorKind::input,
               .what = "no model of this build reads the checkpoint",
               .where = file,
               .expected = detail::joined(recipes.names()),
               .found = found.title}};
}

/// Loads a checkpoint as the model that its configuration describes and calls f(model). One recipe after the other is
/// compiled for f, with that tokenizer, device and precision.
///
///   with_model<CharTokenizer>(folder, [](auto& model) { return model.embed("ACGT").size(2); });
template <Tokenizer Tok, Device D = cpu, class P = fp32, class List = StandardRecipes, class F>
auto with_model(const std::string& checkpoint, F&& f, const Tok& tokenizer = Tok(), List recipes = {}) {
  return with_backbone(recipes, recipe_of(recipes, checkpoint), [&]<class Backbone>() {
    auto model = Model<Backbone, Tok, D, P>::load(checkpoint, tokenizer);
    return f(model);
  });
}

}  // namespace ligase::inline LIGASE_ISA
