#pragma once

#include <common/arguments.hpp>
#include <evaluate/report.hpp>

#include <ligase/seq/tokenizer/any.hpp>
#include <ligase/seq/tokenizer/char.hpp>
#include <ligase/tasks/measure.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace evaluation {

using namespace ligase;

struct Options {
  ligase_cli::CommonFlags common;
  std::filesystem::path checkpoint;  ///< find_checkpoint
  std::string model, split, objective, measure;
  AnyTokenizer tokenizer = CharTokenizer{};
  std::filesystem::path fasta, bed, per_window;
  Index windows = 0, length = 0;
  MaskSeeds seeds;
  bool dry_run = false;
};

/// The windows to be scored.
struct Sample {
  std::vector<LetterWindow> windows;
  std::vector<ligase_cli::WindowPlace> places;
  Index of = 0;  ///< windows of the split
};

}  // namespace evaluation
