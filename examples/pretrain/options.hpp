#pragma once

#include <common/arguments.hpp>

#include <filesystem>
#include <string>

namespace pretrain {

using ligase::Index;

struct Options {
  ligase_cli::CommonFlags common;
  std::string model, objective, intervals, recompute;
  std::filesystem::path fasta, bed, out;
  std::filesystem::path checkpoint;  ///< the folder that holds config.json; empty: fresh weights
  Index length = 0, steps = 0, batch_size = 0, accumulate = 0, d_model = 0, n_layer = 0, save_every = 0, eval_every = 0;
  double learning_rate = 0, mlm_probability = 0;
  bool rc_augment = false, resume = false, overwrite = false, dry_run = false;
};

/// Trains as the options say, or prints sizes (`--dry-run`). One file of this folder compiles each backbone.
template <class Backbone, class P>
void run(const Options& options);

}  // namespace pretrain
