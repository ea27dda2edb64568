#include "property.hpp"

#include <ligase/io/checkpoint_file.hpp>

/// Any text gives either an Error of kind `input` or names of files in the index's folder.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ligase_fuzz;
  try {
    const ShardIndex index = parse_shard_index(text_of(data, size), "fuzz");
    check(!index.weight_map.empty());
    for (const auto& [name, file] : index.weight_map)
      check((std::filesystem::path("folder") / file).parent_path() == "folder" && file != ".." && file != ".");
  } catch (const Error& e) {
    check(e.kind() == ErrorKind::input);
  }
  return 0;
}
