#pragma once

#include <ligase/io/json.hpp>
#include <ligase/io/safetensors.hpp>
#include <ligase/io/torch_file.hpp>
#include <ligase/io/weights_file.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

namespace detail {

/// One file; its first bytes say what it is.
inline StateDict open_one_state_dict(const std::filesystem::path& path) {
  auto file = std::make_shared<const MappedFile>(path);
  const std::span<const std::byte> bytes = file->bytes();
  const std::string where = path.string();
  if (starts_with(bytes, "version https://git-lfs"))
    throw Error{{.kind = ErrorKind::input,
                 .what = "a pointer of git-lfs stands in place of the weights",
                 .where = where,
                 .expected = "the file itself (git lfs pull)"}};
  const std::string extension = path.extension().string();
  const bool is_torch = extension == ".bin" || extension == ".ckpt" || extension == ".pt" || extension == ".pth";
  refuse_legacy_torch(bytes, where);
  if (!is_torch && !starts_with(bytes, "PK\x03\x04")) return Safetensors(std::move(file));
  std::vector<TensorView> tensors = read_torch_tensors(bytes, where);
  return StateDict(where, std::move(tensors), {std::move(file)});
}

}  // namespace detail

/// The files of a sharded checkpoint, as an index names them.
struct ShardIndex {
  std::map<std::string, std::string> weight_map;  ///< tensor -> file in the index's folder
  double total_size = 0;                          ///< bytes; 0: not said
};

/// Reads the text of a model.safetensors.index.json or pytorch_model.bin.index.json. Throws kind `input`, also for a shard
/// that lies outside the folder.
template <class J = Json>
ShardIndex parse_shard_index(std::string_view text, const std::string& where) {
  const J json = parse_json<J>(text, where);
  ShardIndex index;
  index.weight_map = require<std::map<std::string, std::string>>(json, "weight_map", where);
  if (index.weight_map.empty())
    throw Error{{.kind = ErrorKind::input, .what = "the index names no tensor", .where = where}};
  for (const auto& [name, file] : index.weight_map)
    if (file.empty() || file == "." || file == ".." || file.find_first_of(std::string_view("/\\\0", 3)) != file.npos)
      throw Error{{.kind = ErrorKind::input,
                   .what = "a shard lies outside the index's folder",
                   .where = where,
                   .expected = "a file name",
                   .found = "\"" + file.substr(0, 120) + "\""}};
  const J* metadata = detail::find_member(json, "metadata");
  if (metadata != nullptr && metadata->is_object())
    index.total_size = field_or(*metadata, "total_size", 0.0, where + ": field \"metadata\"");
  return index;
}

/// The tensors of all shards that an index names. Throws kind `input` where a shard is missing, a tensor does not lie in the
/// shard that the index says or lies in two, or total_size is far from what the shards hold (ties may count once or twice).
template <class J = Json>
StateDict read_sharded(const std::filesystem::path& path) {
  const std::string where = path.string();
  const ShardIndex index = parse_shard_index<J>(MappedFile(path).text(), where);
  std::map<std::string, StateDict> shards;
  for (const auto& [name, file] : index.weight_map) {
    auto shard = shards.find(file);
    if (shard == shards.end())
      shard = shards.emplace(file, detail::open_one_state_dict(path.parent_path() / file)).first;
    if (shard->second.find(name) == nullptr)
      throw Error{{.kind = ErrorKind::input,
                   .what = "a tensor is not in the shard that the index names",
                   .where = where,
                   .expected = "\"" + name + "\" in " + file}};
  }
  std::vector<TensorView> tensors;
  std::vector<std::shared_ptr<const MappedFile>> files;
  Index bytes = 0;
  for (const auto& [file, shard] : shards) {
    tensors.insert(tensors.end(), shard.tensors().begin(), shard.tensors().end());
    files.insert(files.end(), shard.files().begin(), shard.files().end());
    bytes += shard.data_bytes();
  }
  const auto held = static_cast<double>(bytes);
  if (index.total_size != 0 && !(index.total_size <= 2 * held && held <= 2 * index.total_size))
    throw Error{{.kind = ErrorKind::input,
                 .what = "the shards hold another amount than the index's total_size",
                 .where = where,
                 .expected = std::to_string(index.total_size) + " bytes",
                 .found = std::to_string(bytes)}};
  return StateDict(where, std::move(tensors), std::move(files));
}

/// The tensors of a checkpoint in whatever container: safetensors, a torch archive (also Lightning's), or the index of a
/// sharded one (*.index.json). Opens by mapping: the time does not depend on the size of the tensors.
template <class J = Json>
StateDict open_state_dict(const std::filesystem::path& path) {
  if (path.string().ends_with(".index.json")) return read_sharded<J>(path);
  return detail::open_one_state_dict(path);
}

namespace detail {

/// A program that includes this header reads every container, in all its files.
inline const bool reads_every_container = [] {
  open_other_container = [](const std::filesystem::path& path) { return open_state_dict(path); };
  return true;
}();

}  // namespace detail

}  // namespace ligase::inline LIGASE_ISA
