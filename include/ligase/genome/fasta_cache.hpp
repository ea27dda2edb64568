#pragma once

#include <ligase/core/error.hpp>
#include <ligase/core/random.hpp>
#include <ligase/genome/fasta_scan.hpp>
#include <ligase/io/file.hpp>

#include <htslib/bgzf.h>
#include <sys/stat.h>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace ligase::inline LIGASE_ISA::detail {

/// ${LIGASE_CACHE:-~/.cache/ligase}; nothing where neither LIGASE_CACHE nor HOME is set.
inline std::optional<std::filesystem::path> cache_folder() {
  if (const char* given = std::getenv("LIGASE_CACHE"); given != nullptr && *given != '\0') return given;
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return std::filesystem::path(home) / ".cache" / "ligase";
  return std::nullopt;
}

/// The same, created where it is missing. Throws kind io where that is impossible.
inline std::filesystem::path make_cache_folder() {
  const auto folder = cache_folder();
  if (!folder)
    throw Error{{.kind = ErrorKind::io, .what = "no folder for caches", .expected = "LIGASE_CACHE or HOME to be set"}};
  std::error_code failed;
  std::filesystem::create_directories(*folder, failed);
  if (failed)
    throw Error{{.kind = ErrorKind::io,
                 .what = "cannot make the cache folder",
                 .where = folder->string(),
                 .expected = "LIGASE_CACHE to name a folder that can be written",
                 .found = failed.message()}};
  return *folder;
}

/// A name in the cache that belongs to this state of a file: path, size and time of last change.
inline std::string cache_name(const std::filesystem::path& file, const struct stat& status) {
  const std::string state = std::filesystem::weakly_canonical(file).string() + '\n' + std::to_string(status.st_size) +
                            '\n' + std::to_string(status.st_mtim.tv_sec) + '.' + std::to_string(status.st_mtim.tv_nsec);
  std::string digits(16, '0');
  std::uint64_t h = splitmix64(hash_name(state));
  for (char& digit : digits) {
    digit = "0123456789abcdef"[h & 15U];
    h >>= 4U;
  }
  return file.stem().string() + "-" + digits;
}

/// Collects bytes and writes them as BGZF blocks.
class BgzipWriter {
 public:
  explicit BgzipWriter(const std::filesystem::path& path) : file_(path), compressed_(BGZF_MAX_BLOCK_SIZE) {}

  void write(std::string_view text) {
    pending_.append(text);
    std::size_t done = 0;
    for (; pending_.size() - done >= BGZF_BLOCK_SIZE; done += BGZF_BLOCK_SIZE)
      block(std::string_view(pending_).substr(done, BGZF_BLOCK_SIZE));
    pending_.erase(0, done);
  }
  void commit() {
    if (!pending_.empty()) block(pending_);
    block({});
    file_.commit();
  }

 private:
  void block(std::string_view text) {
    constexpr int level = 4;
    std::size_t size = compressed_.size();
    if (bgzf_compress(compressed_.data(), &size, text.data(), text.size(), level) != 0)
      throw Error{{.kind = ErrorKind::internal, .what = "cannot compress a block", .where = file_.path().string()}};
    file_.write(std::string_view(compressed_.data(), size));
  }

  AtomicFile file_;
  std::string pending_;
  std::vector<char> compressed_;
};

/// A plain gzip file, or one with mixed line ends, cannot be read at random places: returns its copy as bgzip in the
/// cache, all line ends LF, made on the first call for this state of the file and checked as FASTA on the way.
inline std::filesystem::path repacked(const std::filesystem::path& file, const struct stat& status) {
  const std::string name = cache_name(file, status) + ".fa.bgz";
  const auto folder = cache_folder();
  if (folder && std::filesystem::exists(*folder / name)) return *folder / name;
  const bool is_new = folder && !std::filesystem::exists(*folder);
  const std::filesystem::path copy = make_cache_folder() / name;
  try {
    BgzipWriter writer(copy);
    FastaScanner scanner(file.string());
    const auto write = [&](std::string_view text) { writer.write(text); };
    read_decompressed(file, [&](std::string_view piece) { scanner.feed(piece, write); });
    scanner.finish(write);
    writer.commit();
  } catch (...) {
    std::error_code ignored;  // it may hold other files by now
    if (is_new) std::filesystem::remove(*folder, ignored);
    throw;
  }
  return copy;
}

}  // namespace ligase::inline LIGASE_ISA::detail
