#pragma once

#include <ligase/core/error.hpp>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace ligase::inline LIGASE_ISA {

/// Where the checkpoint that a user names lies: a folder with config.json, a `pretrain --out` folder (its checkpoint/), or a
/// name below $LIGASE_MODELS. Never the network. Throws kind `input`.
inline std::filesystem::path find_checkpoint(const std::string& name) {
  namespace fs = std::filesystem;
  const auto complete = [](const fs::path& folder) { return fs::exists(folder / "config.json"); };
  for (const fs::path& folder : {fs::path(name), fs::path(name) / "checkpoint"})
    if (complete(folder)) return folder;
  if (const char* models = std::getenv("LIGASE_MODELS"); models != nullptr && complete(fs::path(models) / name))
    return fs::path(models) / name;
  const bool exists = fs::exists(name);
  throw Error{{.kind = ErrorKind::input,
               .what = exists ? "the folder holds no checkpoint" : "there is no such checkpoint",
               .where = name,
               .expected = exists ? "config.json and model.safetensors in it or in its checkpoint/"
                                  : "a folder; to fetch a published one: huggingface-cli download " + name +
                                        " --local-dir FOLDER"}};
}

}  // namespace ligase::inline LIGASE_ISA
