#include <common/outputs.hpp>

#include <ligase/io/file.hpp>

#include <sys/stat.h>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace ligase_cli {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& flag, std::string what, std::string expected, const fs::path& found) {
  throw ligase::Error{{.kind = ligase::ErrorKind::usage,
                       .what = std::move(what),
                       .where = flag,
                       .expected = std::move(expected),
                       .found = "'" + found.string() + "'"}};
}

/// Begins the file and takes it away again: rights, read-only file systems and names that are too long all show.
void try_to_write(const std::string& flag, const fs::path& file, const char* expected) {
  try {
    const ligase::AtomicFile probe(file);
  } catch (const ligase::Error& e) {
    refuse(flag, "cannot be written (" + e.fields().found + ")", expected, file);
  }
}

bool is_missing(const fs::path& path) {
  struct stat status = {};
  return ::lstat(path.c_str(), &status) != 0 && errno == ENOENT;
}

}  // namespace

void check_output(const std::string& flag, const fs::path& file, std::initializer_list<fs::path> inputs) {
  if (file.empty()) return;
  constexpr const char* expected = "a file name in a folder that can be written";
  std::error_code ignored;
  if (!file.has_filename() || fs::is_directory(file, ignored)) refuse(flag, "is a folder", expected, file);
  if (fs::exists(file, ignored) && !fs::is_regular_file(file, ignored))
    refuse(flag, "is a pipe or device", expected, file);
  for (const fs::path& input : inputs)
    if (!input.empty() && fs::equivalent(file, input, ignored))
      refuse(flag, "would replace an input file", "another file name", file);
  if (!fs::is_directory(file.has_parent_path() ? file.parent_path() : ".", ignored))
    refuse(flag, "its folder does not exist or cannot be written", expected, file);
  try_to_write(flag, file, expected);
}

void check_output_folder(const std::string& flag, const fs::path& folder) {
  constexpr const char* expected = "a folder that can be made and written";
  std::error_code ignored;
  for (const fs::path& part : folder)
    if (part.native().size() > 255) refuse(flag, "has a name that is too long", expected, folder);
  fs::path nearest = (fs::absolute(folder) / "").lexically_normal().parent_path();
  while (is_missing(nearest) && nearest.has_relative_path()) nearest = nearest.parent_path();
  if (!fs::is_directory(nearest, ignored)) refuse(flag, "'" + nearest.string() + "' is no folder", expected, folder);
  try_to_write(flag, nearest / "x", expected);
}

}  // namespace ligase_cli
