#pragma once

#include <ligase/io/safetensors_header.hpp>
#include <ligase/io/state_dict.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// A safetensors file (huggingface/safetensors, format 0.4), memory-mapped. The header is checked completely before any of
/// it is believed: length, JSON, types, shapes, offsets without overlap or gap, size of the file. Errors are of kind
/// `input` and name file and tensor.
class Safetensors : public StateDict {
  using Files = std::vector<std::shared_ptr<const MappedFile>>;

 public:
  explicit Safetensors(const std::filesystem::path& path) : Safetensors(std::make_shared<const MappedFile>(path)) {}
  explicit Safetensors(std::shared_ptr<const MappedFile> file)
      : Safetensors(file->bytes(), file->path().string(), Files{file}) {}
  /// Reads from memory that outlives this object; `where` stands for the file's name in messages.
  Safetensors(std::span<const std::byte> bytes, const std::string& where) : Safetensors(bytes, where, Files()) {}

  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  Safetensors(std::span<const std::byte> bytes, const std::string& where, Files files)
      : Safetensors(parse_safetensors_header(bytes, where), bytes, where, std::move(files)) {}
  Safetensors(SafetensorsHeader header, std::span<const std::byte> bytes, const std::string& where, Files files)
      : StateDict(where, views(header, bytes), std::move(files)), metadata_(std::move(header.metadata)) {}

  static std::vector<TensorView> views(SafetensorsHeader& header, std::span<const std::byte> bytes) {
    std::vector<TensorView> tensors;
    tensors.reserve(header.entries.size());
    for (auto& e : header.entries)
      tensors.push_back({std::move(e.name), e.dtype, e.shape,
                         bytes.subspan(static_cast<std::size_t>(header.data_begin + e.begin),
                                       static_cast<std::size_t>(e.end - e.begin))});
    return tensors;
  }

  std::map<std::string, std::string> metadata_;
};

/// What to write: a name and the elements, which must outlive the call.
struct TensorRecord {
  std::string name;
  DType dtype = DType::F32;
  Shape shape;
  const void* data = nullptr;
};

template <class T>
TensorRecord tensor_record(std::string name, const Tensor<T, cpu>& tensor) {
  return {std::move(name), dtype_of<T>(), tensor.shape(), tensor.data()};
}

enum class TensorOrder {
  sorted,  ///< names sorted in the header; wide types first in the data, then by name, which keeps every tensor aligned
  given,   ///< header and data as the records come
};

/// Writes a safetensors file atomically (AtomicFile). Equal records and metadata give equal bytes; with `sorted` the order
/// of the records does not matter. The header is padded with spaces to a multiple of 8. Throws kind `internal` for records
/// without data and for names that stand twice or are not UTF-8, kind `io` when writing fails.
template <class J = OrderedJson>
void write_safetensors(const std::filesystem::path& path, std::span<const TensorRecord> records,
                       TensorOrder order = TensorOrder::sorted,
                       const std::map<std::string, std::string>& metadata = {{"format", "pt"}}) {
  const std::vector<std::size_t> places = detail::places_in_order(records.size(), [&](std::size_t i, std::size_t j) {
    if (order == TensorOrder::given) return i < j;
    const Index x = dtype_bytes(records[i].dtype), y = dtype_bytes(records[j].dtype);
    return x != y ? x > y : records[i].name < records[j].name;
  });

  std::vector<SafetensorsEntry> entries;
  Index offset = 0;
  for (const std::size_t i : places) {
    const TensorRecord& r = records[i];
    const Index begin = offset;
    const Index bytes = tensor_bytes(r.shape, r.dtype, path.string());
    if (__builtin_add_overflow(begin, bytes, &offset) || (bytes > 0 && r.data == nullptr))
      throw Error{
          {.kind = ErrorKind::internal, .what = "tensor has no data", .where = path.string(), .found = r.name}};
    entries.push_back({r.name, r.dtype, r.shape, begin, offset});
  }
  // A name that stands twice is refused below.
  if (order == TensorOrder::sorted) entries = detail::sorted_by_name(std::move(entries), [](std::string_view) {});

  AtomicFile file(path);
  file.write(compose_safetensors_header<J>(entries, metadata, path.string()));
  for (const std::size_t i : places)
    file.write({static_cast<const std::byte*>(records[i].data),
                static_cast<std::size_t>(records[i].shape.count() * dtype_bytes(records[i].dtype))});
  file.commit();
}

}  // namespace ligase::inline LIGASE_ISA
