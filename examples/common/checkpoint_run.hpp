#pragma once

#include <common/models.hpp>
#include <common/outputs.hpp>

#include <ligase/core/error.hpp>
#include <ligase/io/json.hpp>
#include <ligase/models/checkpoint_folder.hpp>
#include <ligase/train/state.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace ligase_cli {

/// A file in a checkpoint folder or in the folder above, where `pretrain --out` keeps what belongs to its checkpoint/.
inline std::optional<std::filesystem::path> beside_checkpoint(const std::filesystem::path& folder, const char* name) {
  const std::filesystem::path normal = (folder / "").lexically_normal().parent_path(), last = normal.filename();
  const bool named = !last.empty() && last != "." && last != "..";
  const std::filesystem::path above = named ? normal.parent_path() : normal / "..";
  for (const auto& place : {folder, above})
    if (std::filesystem::exists(place / name)) return place / name;
  return std::nullopt;
}

/// Flags of the training run that a checkpoint folder belongs to; an empty object where none is known.
inline ligase::Json training_flags(const std::filesystem::path& folder) {
  const auto state = beside_checkpoint(folder, ligase::RunFolder{}.state().c_str());
  if (!state) return ligase::Json::object();
  return ligase::read_training_state({state->parent_path()}).flags;
}

/// What a checkpoint was trained for, "mlm" or "causal": by the flags of its training, else by its model.
inline std::string trained_objective(const ligase::Json& flags, const std::string& model) {
  const std::string usual = is_causal(model) ? "causal" : "mlm";
  return ligase::field_or(flags, "objective", usual, "flags of the training run");
}

}  // namespace ligase_cli
