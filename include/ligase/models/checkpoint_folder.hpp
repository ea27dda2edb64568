#pragma once

#include <ligase/core/error.hpp>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// The two files that make a model.
struct CheckpointFiles {
  std::filesystem::path config;
  std::filesystem::path weights;  ///< a container that open_state_dict reads
};

namespace detail {

inline bool is_there(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

/// The path of that file in the folder; empty where there is none.
inline std::filesystem::path file_in(const std::filesystem::path& folder, const char* name) {
  std::filesystem::path file = folder / name;
  if (!is_there(file)) file.clear();
  return file;
}

/// config.json, or model_config.json as the training repository writes it beside a .ckpt; empty where there is neither.
inline std::filesystem::path config_in(const std::filesystem::path& folder) {
  std::filesystem::path file = file_in(folder, "config.json");
  return file.empty() ? file_in(folder, "model_config.json") : file;
}

/// The folder, or its checkpoint/, where that holds a configuration; else empty.
inline std::filesystem::path complete_folder(std::filesystem::path folder) {
  if (!config_in(folder).empty()) return folder;
  folder /= "checkpoint";
  if (config_in(folder).empty()) folder.clear();
  return folder;
}

}  // namespace detail

/// The containers in a folder, each of which holds the whole state dict, in the order in which they are preferred:
/// model.safetensors, its index, pytorch_model.bin, its index, last.ckpt, or the only other .ckpt.
inline std::vector<std::filesystem::path> weight_files(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::vector<fs::path> found;
  for (const char* name : {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                           "pytorch_model.bin.index.json", "last.ckpt"})
    if (fs::path file = detail::file_in(folder, name); !file.empty()) found.push_back(std::move(file));
  if (!found.empty() && found.back().filename() == "last.ckpt") return found;
  std::vector<fs::path> lightning;
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed))
    if (entry->path().extension() == ".ckpt") lightning.push_back(entry->path());
  if (lightning.size() == 1) found.push_back(lightning.front());
  return found;
}

/// The weights of a folder: the first of `weight_files`. Throws kind `input` where there are none.
inline std::filesystem::path find_weights(const std::filesystem::path& folder) {
  const auto found = weight_files(folder);
  if (!found.empty()) return found.front();
  throw Error{
      {.kind = ErrorKind::input,
       .what = "the folder holds no weights",
       .where = folder.string(),
       .expected = "model.safetensors, pytorch_model.bin, an index of one of them, last.ckpt or one other .ckpt"}};
}

/// Where the checkpoint that a user names lies: a folder with a configuration, a `pretrain --out` folder (its checkpoint/), a
/// file of weights with a configuration beside it, or such a folder below $LIGASE_MODELS. Never the network. Throws kind
/// `input`.
inline std::filesystem::path find_checkpoint(const std::string& name) {
  namespace fs = std::filesystem;
  if (fs::path found = detail::complete_folder(name); !found.empty()) return found;
  std::error_code ignored;
  if (fs::is_regular_file(name, ignored)) {
    if (!detail::config_in(fs::path(name).parent_path()).empty()) return name;
    throw Error{{.kind = ErrorKind::input,
                 .what = "no configuration stands beside the weights",
                 .where = name,
                 .expected = "config.json or model_config.json in the same folder"}};
  }
  if (const char* models = std::getenv("LIGASE_MODELS"))
    if (fs::path found = detail::complete_folder(fs::path(models) / name); !found.empty()) return found;
  const bool exists = detail::is_there(name);
  throw Error{{.kind = ErrorKind::input,
               .what = exists ? "the folder holds no checkpoint" : "there is no such checkpoint",
               .where = name,
               .expected = exists ? "config.json and model.safetensors in it or in its checkpoint/"
                                  : "a folder; to fetch a published one: huggingface-cli download " + name +
                                        " --local-dir FOLDER"}};
}

/// Configuration and weights of what find_checkpoint finds.
inline CheckpointFiles find_checkpoint_files(const std::string& name) {
  const std::filesystem::path place = find_checkpoint(name);
  std::error_code ignored;
  if (std::filesystem::is_regular_file(place, ignored)) return {detail::config_in(place.parent_path()), place};
  return {detail::config_in(place), find_weights(place)};
}

}  // namespace ligase::inline LIGASE_ISA
