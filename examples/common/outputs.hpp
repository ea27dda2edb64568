#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ligase_cli {

/// The path with links, `.` and `..` resolved as far as it exists; absolute.
std::filesystem::path resolved(const std::filesystem::path& path);

/// Whether two paths lead to one file, which need not exist.
bool is_same_file(const std::filesystem::path& a, const std::filesystem::path& b);

/// Whether the file would lie in that folder or below it, or is the folder; neither has to exist.
bool lies_in(const std::filesystem::path& file, const std::filesystem::path& folder);

/// Refuses an output file that could not be written, or that is one of the inputs or a file that lies below an input folder,
/// before any work is done: kind usage, naming the flag. Leaves nothing behind. An empty path is none. `new_folder` may hold
/// the file and be missing: the program makes it.
void check_output(const std::string& flag, const std::filesystem::path& file,
                  const std::vector<std::filesystem::path>& inputs = {}, const std::filesystem::path& new_folder = {});

/// Refuses an output file that another flag's output would replace.
void check_apart(const std::string& flag, const std::filesystem::path& file, const std::string& other_flag,
                 const std::vector<std::filesystem::path>& others);

/// The same as check_output for a folder, which may exist and is not made: the nearest folder above that exists must let files
/// be made.
void check_output_folder(const std::string& flag, const std::filesystem::path& folder);

}  // namespace ligase_cli
