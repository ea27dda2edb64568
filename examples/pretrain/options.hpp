#pragma once

#include <common/arguments.hpp>

#include <filesystem>
#include <string>

namespace pretrain {

using ligase::Index;

/// What runs again in the backward pass: every layer by itself, or groups of so many layers; else nothing.
struct Recompute {
  bool layers = false;
  Index group = 0;
  std::string text() const { return layers ? "layer" : group > 0 ? std::to_string(group) : "none"; }
};

struct Options {
  ligase_cli::CommonFlags common;
  std::string model, objective, intervals;
  Recompute recompute;
  std::filesystem::path fasta, bed, out;
  std::filesystem::path checkpoint;  ///< the folder that holds config.json; empty: fresh weights
  Index length = 0, steps = 0, batch_size = 0, accumulate = 0, d_model = 0, n_layer = 0, save_every = 0, eval_every = 0;
  double learning_rate = 0, mlm_probability = 0;
  bool rc_augment = false, resume = false, overwrite = false, dry_run = false;
};

template <class Stack>
void set_recompute(Stack& stack, const Recompute& choice) {
  for (auto& layer : stack.layers) layer.recompute = choice.layers;
  stack.recompute = choice.group;
}

/// Trains as the options say, or prints sizes (`--dry-run`). One file of this folder compiles each backbone.
template <class Backbone, class P>
void run(const Options& options);

}  // namespace pretrain
