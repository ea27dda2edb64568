#pragma once

#include <common/arguments.hpp>
#include <common/tokenizers.hpp>

#include <ligase/tasks/embed.hpp>
#include <ligase/tasks/windows.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace embed {

using ligase::Index;

struct Options {
  ligase_cli::CommonFlags common;
  std::filesystem::path checkpoint, fasta, out;
  std::string sequence, model;
  std::optional<ligase::Pooling> pooling;  ///< none: one row per token, or per base
  std::string pooling_name;
  bool per_base = false, dry_run = false;
  ligase::EmbeddedStrands strands = ligase::EmbeddedStrands::model;
  ligase::WindowRule rule{1, 0, 0};
  Index overlap = 0;
};

}  // namespace embed
