#include <common/checkpoint_files.hpp>

#include <ligase/train/state.hpp>

#include <string>
#include <system_error>

namespace ligase_cli {

namespace fs = std::filesystem;

std::optional<fs::path> beside_checkpoint(const fs::path& folder, const char* name) {
  const fs::path normal = (folder / "").lexically_normal().parent_path(), last = normal.filename();
  const bool named = !last.empty() && last != "." && last != "..";
  const fs::path above = named ? normal.parent_path() : normal / "..";
  for (const auto& place : {folder, above})
    if (fs::exists(place / name)) return place / name;
  return std::nullopt;
}

std::vector<fs::path> files_of_checkpoint(const fs::path& checkpoint) {
  std::error_code failed;
  const bool is_folder = fs::is_directory(checkpoint, failed);
  const fs::path folder = is_folder ? checkpoint : checkpoint.parent_path();
  std::vector<fs::path> files;
  if (!is_folder) files.push_back(checkpoint);
  for (const char* name : {"config.json", "model_config.json", "model.safetensors", "model.safetensors.index.json",
                           "pytorch_model.bin", "pytorch_model.bin.index.json"})
    files.push_back(folder / name);
  for (const char* name : tokenizer_files) files.push_back(folder / name);
  for (fs::directory_iterator entry(folder.empty() ? "." : folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    if (name.ends_with(".ckpt") || name.starts_with("model-") || name.starts_with("pytorch_model-"))
      files.push_back(entry->path());
  }
  if (const auto state = beside_checkpoint(folder, ligase::RunFolder{}.state().c_str())) {
    const ligase::RunFolder run{state->parent_path()};
    files.insert(files.end(), {run.state(), run.log(), run.result(), run.root / "intervals.bed"});
  }
  return files;
}

}  // namespace ligase_cli
