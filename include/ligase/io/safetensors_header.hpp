#pragma once

#include <ligase/core/shape.hpp>
#include <ligase/io/dtype.hpp>
#include <ligase/io/json.hpp>
#include <ligase/io/sorted.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// A line of a safetensors header. Offsets count bytes from the end of the header.
struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::F32;
  Shape shape;
  Index begin = 0;
  Index end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  ///< sorted by name
  std::map<std::string, std::string> metadata;
  Index data_begin = 0;
};

/// Bytes of a tensor; throws kind `shape` above 2^63.
inline Index tensor_bytes(const Shape& shape, DType dtype, const std::string& where) {
  Index bytes = 0;
  if (__builtin_mul_overflow(shape.count(), dtype_bytes(dtype), &bytes))
    throw Error{{.kind = ErrorKind::shape, .what = "tensor is larger than 2^63 bytes", .where = where}};
  return bytes;
}

namespace detail {

/// Longer headers are refused, as the reference implementation does.
inline constexpr Index safetensors_header_limit = 100'000'000;

template <class J>
SafetensorsEntry parse_safetensors_entry(const std::string& name, const J& value, const std::string& file) {
  const std::string where = file + ": tensor \"" + name + "\"";
  SafetensorsEntry entry;
  entry.name = name;

  const auto dtype = require<std::string>(value, "dtype", where);
  const auto known = dtype_from_name(dtype);
  if (!known) throw Error{{.kind = ErrorKind::input, .what = "unknown element type", .where = where, .found = dtype}};
  entry.dtype = *known;

  const auto offsets = require<std::vector<Index>>(value, "data_offsets", where);
  if (offsets.size() != 2 || offsets[0] < 0 || offsets[1] < offsets[0])
    throw_json_type(*find_member(value, "data_offsets"), where + ": field \"data_offsets\"", "two integers, 0 <= begin <= end");
  entry.begin = offsets[0];
  entry.end = offsets[1];

  Index bytes = 0;
  try {
    for (const Index size : require<std::vector<Index>>(value, "shape", where)) entry.shape.push_back(size);
    bytes = tensor_bytes(entry.shape, entry.dtype, where);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::shape) throw;
    throw Error{{.kind = ErrorKind::input,
                 .what = "impossible shape (" + e.fields().what + ")",
                 .where = where,
                 .expected = e.fields().expected,
                 .found = e.fields().found}};
  }
  if (bytes != entry.end - entry.begin)
    throw Error{{.kind = ErrorKind::input,
                 .what = "data_offsets do not fit the shape",
                 .where = where,
                 .expected = std::to_string(bytes) + " bytes for " + dtype + " " + entry.shape.text(),
                 .found = std::to_string(entry.end - entry.begin)}};
  return entry;
}

/// Tensors must cover 0 .. data_bytes, each byte once.
inline void check_safetensors_cover(const std::vector<SafetensorsEntry>& entries, Index data_bytes,
                                    const std::string& where) {
  Index covered = 0;
  for (const std::size_t place : places_in_order(entries.size(), [&](std::size_t i, std::size_t j) {
         const SafetensorsEntry &a = entries[i], &b = entries[j];
         return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
       })) {
    const SafetensorsEntry& e = entries[place];
    if (e.end > data_bytes)
      throw Error{{.kind = ErrorKind::input,
                   .what = "tensor \"" + e.name + "\" ends beyond the end of the file (truncated?)",
                   .where = where,
                   .expected = "at most " + std::to_string(data_bytes) + " bytes of data",
                   .found = std::to_string(e.end)}};
    if (e.begin != covered)
      throw Error{{.kind = ErrorKind::input,
                   .what = "tensor \"" + e.name + "\" " +
                           (e.begin < covered ? "overlaps the one before" : "leaves a gap after the one before"),
                   .where = where,
                   .expected = "begin " + std::to_string(covered),
                   .found = std::to_string(e.begin)}};
    covered = e.end;
  }
  if (covered != data_bytes)
    throw Error{{.kind = ErrorKind::input,
                 .what = "bytes after the last tensor",
                 .where = where,
                 .expected = std::to_string(covered) + " bytes of data",
                 .found = std::to_string(data_bytes)}};
}

}  // namespace detail

/// Checks and reads the header of a safetensors file, given the whole file. Throws kind `input`. O(n log n) for n tensors.
template <class J = Json>
SafetensorsHeader parse_safetensors_header(std::span<const std::byte> file, const std::string& where) {
  const auto size = static_cast<Index>(file.size());
  if (size < 8)
    throw Error{{.kind = ErrorKind::input,
                 .what = "too short for a safetensors file",
                 .where = where,
                 .expected = "at least 8 bytes",
                 .found = std::to_string(size)}};
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  if (length > static_cast<std::uint64_t>(std::min(size - 8, detail::safetensors_header_limit)))
    throw Error{{.kind = ErrorKind::input,
                 .what = "header length does not fit the file (truncated, or no safetensors file)",
                 .where = where,
                 .expected = "at most " + std::to_string(std::min(size - 8, detail::safetensors_header_limit)),
                 .found = std::to_string(length)}};
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + 8, static_cast<std::size_t>(length));
  if (!text.starts_with('{'))
    throw Error{{.kind = ErrorKind::input,
                 .what = "the header of a safetensors file must start with '{'",
                 .where = where,
                 .found = text.empty() ? "nothing" : "byte " + std::to_string(static_cast<unsigned char>(text[0]))}};

  const J document = parse_json<J>(text, where + " (header)");
  SafetensorsHeader header;
  header.data_begin = 8 + static_cast<Index>(length);
  for (const auto& [name, value] : *detail::json_as<typename J::object_t>(document)) {
    if (name == "__metadata__")
      header.metadata = detail::convert_json<std::map<std::string, std::string>>(value, {where, name});
    else
      header.entries.push_back(detail::parse_safetensors_entry(name, value, where));
  }
  header.entries = detail::sorted_by_name(std::move(header.entries), [](std::string_view) {});
  detail::check_safetensors_cover(header.entries, size - header.data_begin, where);
  return header;
}

/// Length and JSON of a header, padded with spaces to a multiple of 8, entries in the given order. `where` is for messages.
template <class J = OrderedJson>
std::string compose_safetensors_header(const std::vector<SafetensorsEntry>& entries,
                                       const std::map<std::string, std::string>& metadata, const std::string& where) {
  J document = J::object();
  if (!metadata.empty()) document["__metadata__"] = metadata;
  std::set<std::string_view> names{"__metadata__"};
  for (const auto& e : entries) {
    if (!names.insert(e.name).second)
      throw Error{{.kind = ErrorKind::internal, .what = "tensor name stands twice", .where = where, .found = e.name}};
    J sizes = J::array();
    for (int i = 0; i < e.shape.rank(); ++i) sizes.push_back(e.shape[i]);
    document[e.name] = {{"dtype", dtype_name(e.dtype)}, {"shape", sizes}, {"data_offsets", {e.begin, e.end}}};
  }
  std::string text = dump_json(document, -1);
  text.append((8 - text.size() % 8) % 8, ' ');
  std::string length(8, '\0');
  const auto bytes = static_cast<std::uint64_t>(text.size());
  std::memcpy(length.data(), &bytes, 8);
  return length + text;
}

}  // namespace ligase::inline LIGASE_ISA
