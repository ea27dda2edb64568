#pragma once

#include <evaluate/options.hpp>

#include <vector>

namespace evaluation {

/// Tokens that go through the model together, at least one window.
inline constexpr Index tokens_per_call = 8192;

/// Loads the checkpoint and scores all windows. Throws kind `input` where none has a target.
std::vector<WindowScore> score_model(const Options& o, const Sample& sample, const Measure& measure);

}  // namespace evaluation
