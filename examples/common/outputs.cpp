#include <common/outputs.hpp>

#include <ligase/io/file.hpp>

#include <sys/stat.h>
#include <algorithm>
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
void try_to_write(const std::string& flag, const fs::path& file, const char* expected, const fs::path& shown) {
  try {
    const ligase::AtomicFile probe(file);
  } catch (const ligase::Error& e) {
    refuse(flag, "cannot be written (" + e.fields().found + ")", expected, shown);
  }
}

bool is_missing(const fs::path& path) {
  struct stat status = {};
  return ::lstat(path.c_str(), &status) != 0 && errno == ENOENT;
}

}  // namespace

fs::path resolved(const fs::path& path) {
  std::error_code failed;
  const fs::path absolute = fs::absolute(path), canonical = fs::weakly_canonical(absolute, failed);
  return ((failed ? absolute.lexically_normal() : canonical) / "").parent_path();
}

bool is_same_file(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  return fs::equivalent(a, b, ignored) || resolved(a) == resolved(b);
}

bool lies_in(const fs::path& file, const fs::path& folder) {
  const fs::path inner = resolved(file), outer = resolved(folder);
  return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

void check_output(const std::string& flag, const fs::path& file, const std::vector<fs::path>& inputs,
                  const fs::path& new_folder) {
  if (file.empty()) return;
  constexpr const char* expected = "a file name in a folder that can be written";
  const fs::path name = file.filename(), folder = file.has_parent_path() ? file.parent_path() : ".";
  std::error_code ignored;
  if (name.empty() || name == "." || name == ".." || fs::is_directory(file, ignored))
    refuse(flag, "is a folder", expected, file);
  const bool exists = fs::exists(file, ignored);
  if (exists && !fs::is_regular_file(file, ignored)) refuse(flag, "is a pipe or device", expected, file);
  for (const fs::path& input : inputs) {
    const bool is_below = exists && fs::is_directory(input, ignored) && lies_in(file, input);
    if (!input.empty() && (is_below || is_same_file(file, input)))
      refuse(flag, "would replace an input file", "another file name", file);
  }
  if (!new_folder.empty() && !fs::exists(folder, ignored) && is_same_file(folder, new_folder)) {
    constexpr std::size_t longest = 220;  // AtomicFile writes under a longer name first
    if (name.native().size() > longest) refuse(flag, "has a name that is too long", expected, file);
    return;
  }
  if (!fs::is_directory(folder, ignored))
    refuse(flag, "its folder does not exist or cannot be written", expected, file);
  try_to_write(flag, file, expected, file);
}

void check_apart(const std::string& flag, const fs::path& file, const std::string& other_flag,
                 const std::vector<fs::path>& others) {
  if (file.empty()) return;
  for (const fs::path& other : others)
    if (!other.empty() && is_same_file(file, other))
      refuse(flag, "names the file of " + other_flag, "another file name", file);
}

void check_output_folder(const std::string& flag, const fs::path& folder) {
  constexpr const char* expected = "a folder that can be made and written";
  std::error_code ignored;
  for (const fs::path& part : folder)
    if (part.native().size() > 255) refuse(flag, "has a name that is too long", expected, folder);
  fs::path nearest = (fs::absolute(folder) / "").lexically_normal().parent_path();
  while (is_missing(nearest) && nearest.has_relative_path()) nearest = nearest.parent_path();
  if (!fs::is_directory(nearest, ignored)) refuse(flag, "'" + nearest.string() + "' is no folder", expected, folder);
  try_to_write(flag, nearest / "x", expected, nearest);
}

}  // namespace ligase_cli
