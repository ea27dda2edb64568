#pragma once

#include <common/arguments.hpp>

#include <ligase/seq/tokenizer/any.hpp>
#include <ligase/seq/tokenizer/char.hpp>

#include <filesystem>
#include <string>

namespace pretrain {

using ligase::Index;

/// What runs again in the backward pass: every layer by itself, or groups of so many layers; else nothing. With both, a group
/// runs again to have the inputs of its layers, then every layer by itself.
struct Recompute {
  bool layers = false;
  Index group = 0;
  std::string text() const {
    if (layers && group > 0) return "layer," + std::to_string(group);
    return layers ? "layer" : group > 0 ? std::to_string(group) : "none";
  }
};

struct Options {
  ligase_cli::CommonFlags common;
  std::string model, objective, intervals;
  ligase::AnyTokenizer tokenizer = ligase::CharTokenizer{};
  std::string tokenizer_name;  ///< as it was asked for; a file with its absolute path; empty: the checkpoint's
  bool packed = false;    ///< windows whole and end to end, in place of rows of `length` tokens
  Recompute recompute;
  std::filesystem::path fasta, bed, out;
  std::filesystem::path ids, valid_ids;  ///< in place of fasta
  std::filesystem::path checkpoint;  ///< find_checkpoint; empty: fresh weights
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
template <class Backbone, class D, class P>
void run(const Options& options);

}  // namespace pretrain
