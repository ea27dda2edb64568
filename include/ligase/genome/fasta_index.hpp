#pragma once

#include <ligase/core/error.hpp>
#include <ligase/io/file.hpp>

#include <htslib/bgzf.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ligase::inline LIGASE_ISA::detail {

/// One line of a .fai file: where a sequence lies in the uncompressed FASTA.
struct FaiEntry {
  std::string name;
  Index length = 0, offset = 0, line_bases = 0, line_bytes = 0;

  /// Offset behind the last letter.
  Index end() const { return offset + (length - 1) / line_bases * line_bytes + (length - 1) % line_bases + 1; }
};

/// Nothing where the text is no index of non-empty sequences.
inline std::optional<std::vector<FaiEntry>> parse_fai(std::string_view text) {
  constexpr Index limit = Index{1} << 48;
  std::vector<FaiEntry> entries;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    FaiEntry entry;
    std::size_t tab = line.find('\t');
    entry.name = line.substr(0, tab);
    for (Index* field : {&entry.length, &entry.offset, &entry.line_bases, &entry.line_bytes}) {
      if (tab == std::string_view::npos) return std::nullopt;
      line.remove_prefix(tab + 1);
      tab = line.find('\t');
      const std::string_view digits = line.substr(0, tab);
      const auto [last, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), *field);
      if (failure != std::errc{} || last != digits.data() + digits.size() || *field < 1 || *field > limit)
        return std::nullopt;
    }
    if (entry.name.empty() || tab != std::string_view::npos || entry.line_bytes < entry.line_bases) return std::nullopt;
    if (entry.length / entry.line_bases > limit / entry.line_bytes) return std::nullopt;
    entries.push_back(std::move(entry));
  }
  if (entries.empty()) return std::nullopt;
  return entries;
}

struct BgzfCloser {
  void operator()(BGZF* file) const { (void)bgzf_close(file); }
};
using BgzfFile = std::unique_ptr<BGZF, BgzfCloser>;

inline BgzfFile open_bgzf(const std::filesystem::path& path) {
  BgzfFile file(bgzf_open(path.c_str(), "r"));
  if (!file) throw Error{{.kind = ErrorKind::input, .what = "cannot read the FASTA file", .where = path.string()}};
  return file;
}

/// The blocks of a bgzip file as a .gzi file lists them: pairs of compressed and uncompressed offsets, the first block
/// left out; then the uncompressed size. Throws where the file is cut off within or between blocks.
struct BgzipBlocks {
  std::vector<std::uint64_t> offsets;
  std::uint64_t size = 0;

  explicit BgzipBlocks(const std::filesystem::path& path) {
    std::size_t file_size = 0;
    const Descriptor fd = open_to_read(path, file_size);
    std::array<unsigned char, 18> header{};
    std::array<unsigned char, 4> tail{};
    std::uint64_t last_size = 1;
    for (std::uint64_t at = 0; at < file_size;) {
      if (at != 0) offsets.insert(offsets.end(), {at, size});
      constexpr std::array<unsigned char, 4> magic{31, 139, 8, 4};
      bool whole = read(fd, header, at) && std::equal(magic.begin(), magic.end(), header.begin()) &&
                   header[12] == 'B' && header[13] == 'C';
      const std::uint64_t block = std::uint64_t{1} + header[16] + (std::uint64_t{header[17]} << 8U);
      whole = whole && block > header.size() + tail.size() && at + block <= file_size && read(fd, tail, at + block - 4);
      if (!whole) truncated(path, "block " + std::to_string(offsets.size() / 2 + 1) + " broken off or damaged");
      last_size = tail[0] | (std::uint64_t{tail[1]} << 8U) | (std::uint64_t{tail[2]} << 16U);
      size += last_size;
      at += block;
    }
    if (last_size != 0) truncated(path, "none");
  }

  /// Does this .gzi file belong to the blocks? Tools differ in whether they list the empty last block.
  bool equals_gzi(std::string_view gzi) const {
    std::uint64_t count = 0;
    if (gzi.size() < 8) return false;
    std::memcpy(&count, gzi.data(), 8);
    if (gzi.size() != 8 + offsets.size() * 8 && gzi.size() + 16 != 8 + offsets.size() * 8) return false;
    return count == (gzi.size() - 8) / 16 && std::memcmp(gzi.data() + 8, offsets.data(), gzi.size() - 8) == 0;
  }

 private:
  template <std::size_t N>
  static bool read(const Descriptor& fd, std::array<unsigned char, N>& bytes, std::uint64_t at) {
    return ::pread(fd.get(), bytes.data(), N, static_cast<off_t>(at)) == static_cast<ssize_t>(N);
  }
  [[noreturn]] static void truncated(const std::filesystem::path& path, std::string found) {
    throw Error{{.kind = ErrorKind::input,
                 .what = "bgzip file is truncated",
                 .where = path.string(),
                 .expected = "whole blocks and an end-of-file block",
                 .found = std::move(found)}};
  }
};

/// Does the index describe this file? Between one sequence's last letter and the next one's first there must be exactly
/// a header line with the right name, lines must break where the index says, and nothing may follow the last sequence.
/// An index of an older state of the file with other lengths or names fails.
class IndexCheck {
 public:
  IndexCheck(BGZF* file, Index size) : file_(file), size_(size) {}

  bool operator()(const std::vector<FaiEntry>& entries) {
    Index end = 0;
    for (const FaiEntry& e : entries) {
      if (e.offset < end || e.end() > size_ || e.offset - end > longest_gap) return false;
      if (!is_header(read(end, e.offset - end), e.name)) return false;
      if (e.length > e.line_bases && !is_line(read(e.offset, e.line_bytes), e.line_bases)) return false;
      end = e.end();
    }
    if (size_ - end > longest_gap) return false;
    const std::string rest = read(end, size_ - end);
    return static_cast<Index>(rest.size()) == size_ - end && rest.find_first_not_of("\r\n") == std::string::npos;
  }

 private:
  static constexpr Index longest_gap = Index{1} << 20;

  std::string read(Index at, Index count) {
    std::string bytes(static_cast<std::size_t>(count), '\0');
    if (count == 0) return bytes;
    if (bgzf_useek(file_, at, SEEK_SET) != 0) return {};
    const ssize_t n = bgzf_read(file_, bytes.data(), bytes.size());
    bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return bytes;
  }
  static bool is_header(std::string_view gap, std::string_view name) {
    gap.remove_prefix(std::min(gap.find_first_not_of("\r\n"), gap.size()));
    if (!gap.starts_with('>') || gap.find('\n') + 1 != gap.size()) return false;
    gap.remove_prefix(1);
    return gap.starts_with(name) && std::string_view(" \t\v\f\r\n").find(gap[name.size()]) != std::string_view::npos;
  }
  static bool is_line(std::string_view line, Index bases) {
    const std::string_view letters = line.substr(0, static_cast<std::size_t>(bases));
    const std::string_view rest = line.substr(letters.size());
    return letters.find_first_of("\r\n") == std::string_view::npos && (rest == "\n" || rest == "\r\n");
  }

  BGZF* file_;
  Index size_;
};

}  // namespace ligase::inline LIGASE_ISA::detail
