#pragma once

#include <finetune/plan.hpp>

namespace ligase_cli {

/// Bytes that a run takes on the host at the least: weights, their gradients, moments and best values, and what a batch keeps
/// for its backward pass.
double least_memory(const std::string& model, const RunSettings& settings, const ligase::Task& task);

/// Refuses a run that the machine cannot hold: kind usage, naming its sizes.
void check_memory(const FinetunePlan& plan);

}  // namespace ligase_cli
