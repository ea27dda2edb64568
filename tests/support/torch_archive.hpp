#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace ligase_test {

template <class T>
std::string le(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

inline std::uint32_t crc32(const std::string& bytes) {
  std::uint32_t crc = ~0U;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

/// An entry of a zip archive, and where it lies about itself.
struct ZipMember {
  std::string name = {}, data = {};
  std::uint16_t method = 0;
  std::uint16_t flags = 0;                      ///< 8: sizes follow the data in a descriptor
  bool zip64 = false;                           ///< sizes and offset in zip64 fields
  std::optional<std::string> local_name = {};   ///< of the local header
  std::optional<std::uint64_t> size = {};       ///< of the directory
  std::optional<std::uint64_t> offset = {};     ///< of the local header, in the directory
  std::optional<std::uint64_t> described = {};  ///< size in the data descriptor
};

struct ZipEnd {
  bool zip64 = false;
  std::optional<std::uint64_t> count = {}, begin = {}, length = {};
  std::uint16_t disk = 0;
  std::string comment = {};
};

inline std::string zip64_field(const std::vector<std::uint64_t>& values) {
  std::string field = le<std::uint16_t>(1) + le(static_cast<std::uint16_t>(8 * values.size()));
  for (const std::uint64_t v : values) field += le(v);
  return field;
}

/// A zip archive; byte for byte as it is asked for, true or not.
inline std::string zip_file(const std::vector<ZipMember>& members, const ZipEnd& end = {}) {
  std::string file, directory;
  for (const ZipMember& m : members) {
    const std::uint64_t offset = file.size(), size = m.size.value_or(m.data.size());
    const bool described = (m.flags & 8U) != 0;
    const std::uint32_t crc = crc32(m.data), narrow = m.zip64 ? 0xFFFFFFFF : static_cast<std::uint32_t>(size);
    const auto method = le(m.method), flags = le(m.flags);
    const std::string version = le<std::uint16_t>(20), time(4, '\0');
    const std::string local_name = m.local_name.value_or(m.name);
    const std::string local_extra = m.zip64 && !described ? zip64_field({m.data.size(), m.data.size()}) : "";
    const auto local_size = described ? 0U : m.zip64 ? 0xFFFFFFFF : static_cast<std::uint32_t>(m.data.size());
    file += "PK\x03\x04" + version + flags + method + time + le(described ? 0U : crc) + le(local_size) +
            le(local_size) + le(static_cast<std::uint16_t>(local_name.size())) +
            le(static_cast<std::uint16_t>(local_extra.size())) + local_name + local_extra + m.data;
    if (described) {
      const std::uint64_t said = m.described.value_or(m.data.size());
      file += "PK\x07\x08" + le(crc);
      file +=
          m.zip64 ? le(said) + le(said) : le(static_cast<std::uint32_t>(said)) + le(static_cast<std::uint32_t>(said));
    }
    const std::string extra = m.zip64 ? zip64_field({size, size, m.offset.value_or(offset)}) : "";
    directory += "PK\x01\x02" + version + version + flags + method + time + le(crc) + le(narrow) + le(narrow) +
                 le(static_cast<std::uint16_t>(m.name.size())) + le(static_cast<std::uint16_t>(extra.size())) +
                 std::string(10, '\0') +
                 le(m.zip64 ? 0xFFFFFFFF : static_cast<std::uint32_t>(m.offset.value_or(offset))) + m.name + extra;
  }
  const std::uint64_t begin = end.begin.value_or(file.size()), length = end.length.value_or(directory.size()),
                      count = end.count.value_or(members.size());
  file += directory;
  if (end.zip64) {
    const std::uint64_t record = file.size();
    file += "PK\x06\x06" + le<std::uint64_t>(44) + le<std::uint16_t>(45) + le<std::uint16_t>(45) +
            le<std::uint32_t>(0) + le<std::uint32_t>(0) + le(count) + le(count) + le(length) + le(begin);
    file += "PK\x06\x07" + le<std::uint32_t>(0) + le(record) + le<std::uint32_t>(1);
  }
  const auto entries = static_cast<std::uint16_t>(end.zip64 ? 0xFFFF : count);
  return file + "PK\x05\x06" + le(end.disk) + le(end.disk) + le(entries) + le(entries) +
         le(end.zip64 ? 0xFFFFFFFF : static_cast<std::uint32_t>(length)) +
         le(end.zip64 ? 0xFFFFFFFF : static_cast<std::uint32_t>(begin)) +
         le(static_cast<std::uint16_t>(end.comment.size())) + end.comment;
}

/// Pieces of a pickle of protocol 2.
namespace pickle {

inline std::string text(const std::string& s) { return "X" + le(static_cast<std::uint32_t>(s.size())) + s; }
inline std::string integer(std::int64_t x) { return std::string("\x8A\x08", 2) + le(x); }
inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string tuple(const std::vector<std::string>& items) {
  std::string bytes = "(";
  for (const std::string& item : items) bytes += item;
  return bytes + "t";
}
inline std::string integers(const std::vector<std::int64_t>& items) {
  std::vector<std::string> parts;
  for (const std::int64_t x : items) parts.push_back(integer(x));
  return tuple(parts);
}
inline std::string call(const std::string& callee, const std::vector<std::string>& arguments) {
  return callee + tuple(arguments) + "R";
}
inline std::string dict(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string bytes = "}(";
  for (const auto& [key, value] : fields) bytes += text(key) + value;
  return bytes + "u";
}
inline std::string ordered_dict() { return call(global("collections", "OrderedDict"), {}); }
inline std::string storage(const std::string& type, const std::string& key, std::int64_t elements) {
  return tuple({text("storage"), global("torch", type), text(key), text("cpu"), integer(elements)}) + "Q";
}
inline std::string tensor(const std::string& of_storage, std::int64_t offset, const std::vector<std::int64_t>& sizes,
                          const std::vector<std::int64_t>& strides) {
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              {of_storage, integer(offset), integers(sizes), integers(strides), "\x89", ordered_dict()});
}
inline std::string whole(const std::string& value) { return "\x80\x02" + value + "."; }

}  // namespace pickle

/// A file as torch.save writes it: the pickle and the storages `data/KEY`.
inline std::string torch_file(const std::string& value, const std::vector<ZipMember>& storages,
                              const std::string& byteorder = "little") {
  std::vector<ZipMember> members{{.name = "archive/data.pkl", .data = pickle::whole(value), .flags = 8},
                                 {.name = "archive/byteorder", .data = byteorder}};
  for (ZipMember m : storages) {
    m.name = "archive/data/" + m.name;
    members.push_back(m);
  }
  members.push_back({.name = "archive/version", .data = "3\n"});
  return zip_file(members);
}

inline std::string floats(const std::vector<float>& values) {
  std::string bytes;
  for (const float v : values) bytes += le(v);
  return bytes;
}

}  // namespace ligase_test
