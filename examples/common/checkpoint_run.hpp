#pragma once

#include <common/checkpoint_files.hpp>
#include <common/models.hpp>
#include <common/outputs.hpp>

#include <ligase/core/error.hpp>
#include <ligase/io/json.hpp>
#include <ligase/models/checkpoint_folder.hpp>
#include <ligase/train/state.hpp>

#include <filesystem>
#include <string>

namespace ligase_cli {

/// Flags of a training run, and the file that they stand in.
struct TrainingFlags {
  ligase::Json values = ligase::Json::object();
  std::string file;

  template <class T>
  T get(const char* name, T otherwise) const {
    return ligase::field_or(values, name, std::move(otherwise), file + ": flags of the training run");
  }
};

/// Those of the run that a checkpoint folder belongs to; none where no run is known.
inline TrainingFlags training_flags(const std::filesystem::path& folder) {
  const auto state = beside_checkpoint(folder, ligase::RunFolder{}.state().c_str());
  if (!state) return {};
  return {ligase::read_training_state({state->parent_path()}).flags, state->string()};
}

/// What a checkpoint was trained for, "mlm" or "causal": by the flags of its training, else by its model.
inline std::string trained_objective(const TrainingFlags& flags, const std::string& model) {
  return flags.get<std::string>("objective", is_causal(model) ? "causal" : "mlm");
}

}  // namespace ligase_cli
