#pragma once

#include <common/arguments.hpp>

#include <filesystem>
#include <string>

namespace ligase_cli {

/// What a pass through a model costs, known before its weights are read.
struct InferencePlan {
  ligase::Index parameters = 0, d_model = 0;
  double peak_bytes = 0;    ///< most that tensors hold at once, weights included
  double weight_bytes = 0;  ///< of these the weights
  double bytes_per_token = 0;
  double tokens_per_second = 0;
};

/// Whether a pass ends with hidden states or with logits.
enum class PassOutput { hidden, logits };

/// One pass of [1, length] tokens through the model of that name with that config.json, on the device, in the precision and
/// with the threads of the flags: sizes without running it, on `cuda` by its own operations, else by the host's on shapes
/// alone; time from one layer that runs for a moment.
InferencePlan plan_inference(const std::string& model, const std::filesystem::path& config_file, const CommonFlags& flags,
                             ligase::Index length, PassOutput output);

}  // namespace ligase_cli
