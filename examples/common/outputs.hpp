#pragma once

#include <filesystem>
#include <initializer_list>
#include <string>

namespace ligase_cli {

/// Refuses an output file that could not be written, or that is one of the inputs, before any work is done: kind usage,
/// naming the flag. Leaves nothing behind. An empty path is none.
void check_output(const std::string& flag, const std::filesystem::path& file,
                  std::initializer_list<std::filesystem::path> inputs = {});

/// The same for a folder, which may exist and is not made: the nearest folder above that exists must let files be made.
void check_output_folder(const std::string& flag, const std::filesystem::path& folder);

}  // namespace ligase_cli
