#include "property.hpp"

#include <ligase/io/safetensors.hpp>

/// Any bytes give either an Error of kind `input` or tensors that cover the data once; a header composed from what was read
/// reads back as the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ligase_fuzz;
  try {
    const Safetensors file(bytes_of(data, size), "fuzz");
    std::size_t covered = 0;
    std::vector<SafetensorsEntry> entries;
    for (const TensorView& t : file.tensors()) {
      check(t.shape.count() * dtype_bytes(t.dtype) == static_cast<Index>(t.bytes.size()));
      check(file.find(t.name) == &t);
      const auto begin = static_cast<Index>(covered);
      covered += t.bytes.size();
      entries.push_back({t.name, t.dtype, t.shape, begin, static_cast<Index>(covered)});
      read_all(file, t);
    }
    std::string again = compose_safetensors_header(entries, file.metadata(), "fuzz");
    again.append(covered, '\0');
    const auto header = parse_safetensors_header(std::as_bytes(std::span(again.data(), again.size())), "again");
    check(header.metadata == file.metadata() && header.entries.size() == entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i)
      check(header.entries[i].name == entries[i].name && header.entries[i].dtype == entries[i].dtype &&
            header.entries[i].shape == entries[i].shape && header.entries[i].end == entries[i].end);
  } catch (const Error& e) {
    check(e.kind() == ErrorKind::input);
  }
  return 0;
}
