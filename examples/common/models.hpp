#pragma once

#include <common/arguments.hpp>

#include <ligase/instantiate.hpp>
#include <ligase/registry.hpp>
#include <ligase/seq/tokenizer/char.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace ligase_cli {

/// Whether the models were compiled for GPUs as well.
#if defined(LIGASE_WITH_CUDA)
inline constexpr bool has_cuda = true;
#else
inline constexpr bool has_cuda = false;
#endif

template <class Backbone, class D, class P>
using CharModel = ligase::Model<Backbone, ligase::CharTokenizer, D, P>;

/// The models of the programs.
using Recipes = ligase::StandardRecipes;

inline const std::vector<std::string>& model_names() {
  static const std::vector<std::string> names = Recipes::names();
  return names;
}

/// Refuses a device that this build does not have (kind usage), or this machine (kind io). Precisions that a device does not
/// compute in are refused with the flags.
inline void check_device(const CommonFlags& flags) {
  if (flags.device != "cuda") return;
  if constexpr (!has_cuda) {
    throw ligase::Error{{.kind = ligase::ErrorKind::usage,
                         .what = "this program was built without CUDA",
                         .where = "--device",
                         .expected = "cpu",
                         .found = flags.device}};
  } else {
    try {
      ligase::device::synchronize(ligase::cuda{});
    } catch (const ligase::Error& e) {
      throw ligase::Error{{.kind = ligase::ErrorKind::io,
                           .what = "no GPU can be used",
                           .where = "--device cuda",
                           .expected = "an NVIDIA GPU and its driver, or --device cpu",
                           .found = e.fields().found}};
    }
  }
}

/// The same for a program, or a part of one, that computes on the host alone.
inline void check_host(const CommonFlags& flags, const char* what) {
  if (flags.device != "cpu")
    throw ligase::Error{{.kind = ligase::ErrorKind::usage,
                         .what = std::string(what) + " on the host alone",
                         .where = "--device",
                         .expected = "cpu",
                         .found = flags.device}};
}

/// Calls f.template operator()<Backbone>() for the model of that name.
template <class F>
auto with_named_backbone(const std::string& name, F&& f) {
  if (std::find(model_names().begin(), model_names().end(), name) == model_names().end()) {
    std::string list;
    for (const std::string& known : model_names()) list += (list.empty() ? "" : ", ") + known;
    throw ligase::Error{{.kind = ligase::ErrorKind::usage,
                         .what = "unknown model" + did_you_mean(name, model_names()),
                         .where = "--model",
                         .expected = list,
                         .found = name}};
  }
  return ligase::with_backbone(Recipes{}, name, std::forward<F>(f));
}

/// Calls f.template operator()<Backbone, D, P>() for the model of that name, on the device and in the precision of the flags,
/// which check_device has seen.
template <class F>
auto with_model(const std::string& name, const CommonFlags& flags, F&& f) {
  return with_named_backbone(name, [&]<class Backbone>() {
    if constexpr (has_cuda)
      if (flags.device == "cuda") {
        if (flags.precision == "bf16") return f.template operator()<Backbone, ligase::cuda, ligase::bf16>();
        return f.template operator()<Backbone, ligase::cuda, ligase::fp32>();
      }
    if (flags.precision == "fp64") return f.template operator()<Backbone, ligase::cpu, ligase::fp64>();
    return f.template operator()<Backbone, ligase::cpu, ligase::fp32>();
  });
}

/// Whether that model predicts the next token from those before it.
inline bool is_causal(const std::string& name) {
  return with_named_backbone(name, [&]<class Backbone>() { return Backbone::causal; });
}

/// Whether that model carries both strands through its layers.
inline bool has_two_strands(const std::string& name) {
  return with_named_backbone(name, [&]<class Backbone>() { return Backbone::SymmetryType::strands == 2; });
}

/// A context for inference with the flags' threads.
template <class D>
ligase::Context<D> context_of(const CommonFlags& flags) {
  ligase::Context<D> context;
  context.threads = flags.threads;
  return context;
}

/// Waits until the device has done what it was given; nothing on the host.
template <class D>
void wait_for() {
  if constexpr (!D::on_host) ligase::device::synchronize(D{});
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
