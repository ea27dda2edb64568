#include <common/checkpoint_files.hpp>
#include <common/outputs.hpp>

#include <doctest/doctest.h>
#include <ligase/io/file.hpp>
#include <support/errors.hpp>

#include "../io/temporary_folder.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using ligase_cli::check_output;
using ligase_test::TemporaryFolder;

/// What is said against an output file, without the flag and what was expected.
template <class... Rest>
std::string against(const fs::path& file, const Rest&... rest) {
  try {
    check_output("--json", file, rest...);
  } catch (const ligase::Error& e) {
    CHECK(e.fields().where == "--json");
    CHECK(e.kind() == ligase::ErrorKind::usage);
    return e.fields().what;
  }
  return "fine";
}

bool holds(const std::vector<fs::path>& files, const fs::path& file) {
  return std::find(files.begin(), files.end(), file) != files.end();
}

}  // namespace

TEST_CASE("paths that lead to one file are the same, through links and before it exists") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "run");
  fs::create_directory_symlink(folder / "run", folder / "link");
  CHECK(ligase_cli::is_same_file(folder / "run/x", folder / "link/./x"));
  CHECK(ligase_cli::is_same_file(folder / "run/", folder / "link"));
  CHECK_FALSE(ligase_cli::is_same_file(folder / "run/x", folder / "run/y"));
  ligase::write_file(folder / "a", "");
  fs::create_symlink(folder / "a", folder / "b");
  CHECK(ligase_cli::is_same_file(folder / "a", folder / "b"));
  CHECK(ligase_cli::is_same_file("x", fs::current_path() / "x"));
  CHECK(ligase_cli::lies_in(folder / "link/deep/x", folder / "run"));
  CHECK(ligase_cli::lies_in(folder / "run", folder / "run/"));
  CHECK_FALSE(ligase_cli::lies_in(folder / "runs", folder / "run"));
  CHECK_FALSE(ligase_cli::lies_in(folder / "run/../x", folder / "run"));
}

TEST_CASE("outputs that cannot be written or would replace an input are refused, and nothing is left") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "data/task");
  ligase::write_file(folder / "data/task/train.csv", "");
  ligase::write_file(folder / "in", "");
  const std::vector<fs::path> inputs{"", folder / "in", folder / "data", folder / "missing"};
  CHECK(against("", inputs) == "fine");
  CHECK(against(folder / "out", inputs) == "fine");
  CHECK(against(folder / "./in", inputs) == "would replace an input file");
  CHECK(against(folder / "missing", inputs) == "would replace an input file");
  CHECK(against(folder / "data/task/train.csv", inputs) == "would replace an input file");
  CHECK(against(folder / "data/new.json", inputs) == "fine");
  for (const char* name : {"data", "data/", "data/.", "gone/", "gone/.", "gone/.."})
    CHECK(against(folder / name) == "is a folder");
  CHECK(against(folder / "gone/x").starts_with("its folder does not exist"));
  CHECK(against("/dev/full") == "is a pipe or device");
  CHECK(against(folder / "gone/x", inputs, folder / "gone") == "fine");
  CHECK(against(folder / "gone/x", inputs, folder / "other").starts_with("its folder does not exist"));
  CHECK(against(folder / ("gone/" + std::string(255, 'q')).c_str(), inputs, folder / "gone") ==
        "has a name that is too long");
  CHECK(folder.entries() == 2);
  const ligase::Error e = ligase_test::error_of([&] {
    ligase_cli::check_apart("--json", folder / "./a", "--out", {"", folder / "b", folder / "a"});
  });
  CHECK(e.fields().what == "names the file of --out");
  CHECK_NOTHROW(ligase_cli::check_apart("--json", folder / "c", "--out", {"", folder / "b"}));
}

TEST_CASE("the files of a checkpoint are those that it is read from and those of its run") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "run/checkpoint");
  for (const char* name :
       {"run/checkpoint/last.ckpt", "run/checkpoint/model-1-of-2.safetensors", "run/checkpoint/notes.txt"})
    ligase::write_file(folder / name, "");
  auto files = ligase_cli::files_of_checkpoint(folder / "run/checkpoint");
  for (const char* name : {"config.json", "model.safetensors", "vocab.txt", "last.ckpt", "model-1-of-2.safetensors"})
    CHECK(holds(files, folder / "run/checkpoint" / name));
  CHECK_FALSE(holds(files, folder / "run/checkpoint/notes.txt"));
  CHECK_FALSE(holds(files, folder / "run/log.jsonl"));
  ligase::write_file(folder / "run/training_state.safetensors", "");
  files = ligase_cli::files_of_checkpoint(folder / "run/checkpoint/last.ckpt");
  for (const char* name :
       {"training_state.safetensors", "log.jsonl", "result.json", "intervals.bed", "checkpoint/config.json"})
    CHECK(holds(files, folder / "run" / name));
}
