#pragma once

#include <ligase/core/error.hpp>
#include <ligase/io/dtype.hpp>
#include <ligase/io/sorted.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// A file inside a zip archive, stored as it is.
struct ZipEntry {
  std::string_view name;
  std::span<const std::byte> bytes;
};

namespace detail {

/// Reads the central directory of a zip archive whose entries are stored, not compressed (APPNOTE 6.3.10 sections 4.3 and
/// 4.5.3), zip64 included, and holds every local header against it.
class StoredZipReader {
 public:
  StoredZipReader(std::span<const std::byte> file, const std::string& where) : file_(file), where_(where) {}

  [[gnu::cold]] std::vector<ZipEntry> read() {
    find_directory();
    std::vector<Place> places;
    places.reserve(static_cast<std::size_t>(count_));
    std::uint64_t at = directory_begin_;
    for (std::uint64_t i = 0; i < count_; ++i) places.push_back(read_entry(at));
    if (at != directory_end_) refuse("the zip archive's directory is longer than its entries");
    check_overlap(places);

    std::vector<ZipEntry> entries;
    entries.reserve(places.size());
    for (const Place& p : places) entries.push_back(p.entry);
    return sorted_by_name(std::move(entries), [&](std::string_view name) {
      refuse("a name stands twice in the zip archive", {}, quoted(name));
    });
  }

 private:
  struct Place {
    ZipEntry entry;
    std::uint64_t begin, end;  ///< local header to data descriptor
  };
  struct Sizes {
    std::uint64_t plain, packed, offset;
  };

  [[noreturn, gnu::cold]] void refuse(std::string what, std::string expected = {}, std::string found = {}) const {
    throw Error{{.kind = ErrorKind::input,
                 .what = std::move(what),
                 .where = where_,
                 .expected = std::move(expected),
                 .found = std::move(found)}};
  }
  static std::string quoted(std::string_view name) {
    return "\"" + std::string(name.substr(0, 80)) + (name.size() > 80 ? "...\"" : "\"");
  }

  std::uint64_t size() const { return file_.size(); }
  std::uint16_t u16(std::uint64_t at) const { return read_element<std::uint16_t>(file_.data() + at); }
  std::uint32_t u32(std::uint64_t at) const { return read_element<std::uint32_t>(file_.data() + at); }
  std::uint64_t u64(std::uint64_t at) const { return read_element<std::uint64_t>(file_.data() + at); }
  std::string_view text(std::uint64_t at, std::uint64_t length) const {
    return {reinterpret_cast<const char*>(file_.data()) + at, static_cast<std::size_t>(length)};
  }

  static constexpr std::uint32_t in_zip64 = 0xFFFFFFFF;

  [[gnu::cold]] void find_directory() {
    constexpr std::uint64_t record = 22, longest_comment = 0xFFFF;
    if (size() < record) refuse("too short for a zip archive", "at least 22 bytes", std::to_string(size()));
    std::uint64_t at = size() - record;
    const std::uint64_t first = at > longest_comment ? at - longest_comment : 0;
    while (u32(at) != 0x06054B50 || u16(at + 20) != size() - record - at)
      if (at-- == first) refuse("the zip archive has no directory at its end (truncated?)");
    std::uint64_t entries_here = u16(at + 8), length = u32(at + 12), disk = u16(at + 4) | u16(at + 6);
    count_ = u16(at + 10);
    directory_begin_ = u32(at + 16);
    directory_end_ = at;
    if (at >= 20 && u32(at - 20) == 0x07064B50) {
      const std::uint64_t locator = at - 20, wide = u64(locator + 8);
      if (wide > locator || locator - wide < 56 || u32(wide) != 0x06064B50 || u64(wide + 4) != locator - wide - 12)
        refuse("the zip archive's zip64 record does not lie where its locator says");
      const auto agree = [&](std::uint64_t narrow, std::uint64_t limit, std::uint64_t value) {
        if (narrow != limit && narrow != value) refuse("the zip archive's two end records contradict each other");
      };
      agree(count_, 0xFFFF, u64(wide + 32));
      agree(length, in_zip64, u64(wide + 40));
      agree(directory_begin_, in_zip64, u64(wide + 48));
      entries_here = u64(wide + 24);
      count_ = u64(wide + 32);
      length = u64(wide + 40);
      directory_begin_ = u64(wide + 48);
      disk = u32(wide + 16) | u32(wide + 20) | u32(locator + 4);
      directory_end_ = wide;
    }
    if (disk != 0 || entries_here != count_) refuse("the zip archive is split into several files");
    if (directory_begin_ > directory_end_ || directory_end_ - directory_begin_ != length)
      refuse("the zip archive's directory does not lie where the end record says (truncated?)",
             std::to_string(length) + " bytes from " + std::to_string(directory_begin_),
             "the end record at " + std::to_string(directory_end_));
    if (count_ > length / 46)
      refuse("the zip archive declares more entries than its directory holds", "at most " + std::to_string(length / 46),
             std::to_string(count_));
  }

  /// Replaces sizes that stand in the zip64 field of [at, end), which lists only those, in this order.
  [[gnu::cold]] void read_zip64(std::uint64_t at, std::uint64_t end, Sizes& sizes, std::string_view name) const {
    std::uint64_t* missing[] = {&sizes.plain, &sizes.packed, &sizes.offset};
    while (end - at >= 4) {
      const std::uint64_t id = u16(at), length = u16(at + 2);
      at += 4;
      if (length > end - at) refuse("an extra field of the zip archive leaves its entry", {}, quoted(name));
      if (id == 1) {
        std::uint64_t field = at;
        for (std::uint64_t* value : missing) {
          if (*value != in_zip64) continue;
          if (at + length - field < 8) refuse("the zip64 field of an entry is too short", {}, quoted(name));
          *value = u64(field);
          field += 8;
        }
        return;
      }
      at += length;
    }
  }

  [[gnu::cold]] void check_name(std::string_view name) const {
    bool harmful = name.empty() || name.front() == '/' || name.find('\\') != name.npos ||
                   name.find('\0') != name.npos || (name.size() > 1 && name[1] == ':');
    for (std::size_t begin = 0; begin <= name.size() && !harmful;) {
      const std::size_t end = std::min(name.find('/', begin), name.size());
      const std::string_view part = name.substr(begin, end - begin);
      harmful = part == ".." || part == "." || (part.empty() && end != name.size());
      begin = end + 1;
    }
    if (harmful)
      refuse("the zip archive holds a name that leads out of it or is no file name", "names below the archive's root",
             quoted(name));
  }

  /// Reads the directory's record at `at` and moves past it.
  [[gnu::cold]] Place read_entry(std::uint64_t& at) {
    if (directory_end_ - at < 46 || u32(at) != 0x02014B50) refuse("the zip archive's directory is damaged");
    const std::uint64_t name_length = u16(at + 28), extra = u16(at + 30), comment = u16(at + 32);
    if (name_length + extra + comment > directory_end_ - at - 46) refuse("the zip archive's directory is damaged");
    const std::string_view name = text(at + 46, name_length);
    const std::uint16_t flags = u16(at + 8), method = u16(at + 10);
    const std::uint32_t crc = u32(at + 16);
    Sizes sizes{u32(at + 24), u32(at + 20), u32(at + 42)};
    read_zip64(at + 46 + name_length, at + 46 + name_length + extra, sizes, name);
    if (u16(at + 34) != 0) refuse("the zip archive is split into several files");
    at += 46 + name_length + extra + comment;

    check_name(name);
    if ((flags & 0x2041U) != 0) refuse("an entry of the zip archive is encrypted", {}, quoted(name));
    if (method != 0)
      refuse("an entry of the zip archive is compressed, which torch.save never does", "stored entries",
             quoted(name) + " with method " + std::to_string(method));
    if (sizes.plain != sizes.packed)
      refuse("a stored entry of the zip archive has two sizes",
             std::to_string(sizes.packed) + " bytes of " + quoted(name), std::to_string(sizes.plain));
    return read_local(name, flags, crc, sizes);
  }

  [[gnu::cold]] Place read_local(std::string_view name, std::uint16_t flags, std::uint32_t crc,
                                 const Sizes& sizes) const {
    const std::uint64_t begin = sizes.offset;
    const auto contradicts = [&] {
      refuse("an entry of the zip archive and its local header contradict each other", {}, quoted(name));
    };
    if (begin > directory_begin_ || directory_begin_ - begin < 30 || u32(begin) != 0x04034B50) contradicts();
    const std::uint64_t name_length = u16(begin + 26), extra = u16(begin + 28);
    if (name_length + extra > directory_begin_ - begin - 30) contradicts();
    const std::uint64_t data = begin + 30 + name_length + extra;
    if (text(begin + 30, name_length) != name || u16(begin + 6) != flags || u16(begin + 8) != 0) contradicts();
    if (sizes.plain > directory_begin_ - data)
      refuse("an entry of the zip archive ends beyond the archive's data",
             "at most " + std::to_string(directory_begin_ - data) + " bytes of " + quoted(name),
             std::to_string(sizes.plain));
    const bool described = (flags & 8U) != 0;
    Sizes local{u32(begin + 22), u32(begin + 18), 0};
    read_zip64(begin + 30 + name_length, data, local, name);
    const bool deferred = described && local.plain == 0 && local.packed == 0 && u32(begin + 14) == 0;
    if (!deferred && (local.plain != sizes.plain || local.packed != sizes.plain || u32(begin + 14) != crc))
      contradicts();
    std::uint64_t end = data + sizes.plain;
    if (described) end = after_descriptor(end, crc, sizes.plain, name);
    return {{name, file_.subspan(static_cast<std::size_t>(data), static_cast<std::size_t>(sizes.plain))}, begin, end};
  }

  /// The descriptor comes with or without a signature, with sizes of 4 or 8 bytes.
  std::uint64_t after_descriptor(std::uint64_t at, std::uint32_t crc, std::uint64_t plain,
                                 std::string_view name) const {
    for (const std::uint64_t signature : {4U, 0U})
      for (const std::uint64_t width : {4U, 8U}) {
        const std::uint64_t length = signature + 4 + 2 * width;
        if (directory_begin_ - at < length || (signature > 0 && u32(at) != 0x08074B50)) continue;
        const std::uint64_t first = at + signature + 4, second = first + width;
        const bool same_sizes =
            width == 8 ? u64(first) == plain && u64(second) == plain : u32(first) == plain && u32(second) == plain;
        if (u32(at + signature) == crc && same_sizes) return at + length;
      }
    refuse("the data descriptor of an entry contradicts the zip archive's directory", {}, quoted(name));
  }

  [[gnu::cold]] void check_overlap(const std::vector<Place>& places) const {
    const auto order =
        places_in_order(places.size(), [&](std::size_t i, std::size_t j) { return places[i].begin < places[j].begin; });
    for (std::size_t i = 1; i < order.size(); ++i) {
      const Place &before = places[order[i - 1]], &place = places[order[i]];
      if (place.begin < before.end)
        refuse("two entries of the zip archive overlap", {}, quoted(before.entry.name) + " and " + quoted(place.entry.name));
    }
  }

  std::span<const std::byte> file_;
  const std::string& where_;
  std::uint64_t count_ = 0, directory_begin_ = 0, directory_end_ = 0;
};

}  // namespace detail

/// The entries of a zip archive without compression, sorted by name; views into `file`. Every offset and length is checked,
/// local headers and data descriptors against the directory. Compressed, encrypted, split or overlapping entries, names that
/// lead out of the archive and names that stand twice are refused with kind `input`. Checksums are not computed.
/// O(n log n) for n entries.
inline std::vector<ZipEntry> read_stored_zip(std::span<const std::byte> file, const std::string& where) {
  return detail::StoredZipReader(file, where).read();
}

/// The entry of that name in what read_stored_zip gave, or null. O(log n).
inline const ZipEntry* find_entry(const std::vector<ZipEntry>& entries, std::string_view name) {
  const auto found = std::lower_bound(entries.begin(), entries.end(), name,
                                      [](const ZipEntry& e, std::string_view n) { return e.name < n; });
  return found != entries.end() && found->name == name ? &*found : nullptr;
}

}  // namespace ligase::inline LIGASE_ISA
