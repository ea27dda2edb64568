#pragma once

#include <ligase/core/error.hpp>
#include <ligase/genome/fasta_cache.hpp>
#include <ligase/genome/fasta_index.hpp>
#include <ligase/genome/fasta_scan.hpp>
#include <ligase/io/file.hpp>

#include <htslib/bgzf.h>
#include <htslib/faidx.h>
#include <htslib/hts.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA::detail {

inline struct stat file_status(const std::filesystem::path& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) throw_errno(ErrorKind::input, "cannot open the file", path, errno);
  return status;
}

/// A temporary folder that goes with the object.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::error_code failed;
    const std::filesystem::path above = std::filesystem::temp_directory_path(failed);
    std::string name = (above / "ligase-XXXXXX").string();
    if (failed || ::mkdtemp(name.data()) == nullptr)
      throw Error{{.kind = ErrorKind::io,
                   .what = "cannot make a temporary folder",
                   .where = above.string(),
                   .expected = "TMPDIR to name a folder that can be written",
                   .found = failed ? failed.message() : std::strerror(errno)}};
    path_ = name;
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A FASTA that can be read at random places: the file itself, or a bgzip copy of it (repacked), with an index that
/// describes it.
class OpenedFasta {
 public:
  std::filesystem::path file, fai, gzi;
  std::vector<FaiEntry> entries;

  /// Takes the index beside the file, else the one in the cache, else builds one beside the file or, where that cannot
  /// be written, in the cache. An index is taken only if it is not older than the file and describes it (IndexCheck).
  explicit OpenedFasta(const std::filesystem::path& path) : file(path) {
    std::size_t bytes = 0;
    open_to_read(path, bytes);
    if (bytes == 0)
      throw Error{{.kind = ErrorKind::input, .what = "file is empty", .where = path.string(), .expected = "FASTA"}};
    const int compression = bgzf_compression(open_bgzf(path).get());
    if (compression == gzip)
      open_copy();
    else
      open(compression == bgzf, false);
  }

 private:
  void open_copy() {
    file = repacked(file, file_status(file));
    open(true, true);
  }

  void open(bool is_bgzip, bool is_copy) {
    if (is_bgzip) blocks_.emplace(file);
    const struct stat status = file_status(file);
    size_ = blocks_ ? static_cast<Index>(blocks_->size) : static_cast<Index>(status.st_size);
    if (take(file)) return;
    const auto folder = cache_folder();
    if (!folder || !take(*folder / cache_name(file, status))) build(status, is_copy);
  }

  static std::filesystem::path with(std::filesystem::path base, const char* suffix) { return base += suffix; }

  bool take(const std::filesystem::path& base) {
    fai = with(base, ".fai");
    gzi = with(base, ".gzi");
    return current(fai) && (!blocks_ || current(gzi)) && describes_file();
  }

  bool describes_file() {
    auto parsed = parse_fai(read_file(fai));
    if (!parsed || (blocks_ && !blocks_->equals_gzi(read_file(gzi)))) return false;
    if (parsed->back().end() > size_)
      throw Error{
          {.kind = ErrorKind::input,
           .what = "file ends before its index does: truncated, or the index belongs to another file (then delete it)",
           .where = file.string(),
           .expected = std::to_string(parsed->back().end()) + " bytes or more by " + fai.string(),
           .found = std::to_string(size_)}};
    const BgzfFile handle = open_bgzf(file);
    if (blocks_ && bgzf_index_load(handle.get(), gzi.c_str(), nullptr) != 0) return false;
    if (!IndexCheck(handle.get(), size_)(*parsed)) return false;
    entries = std::move(*parsed);
    return true;
  }

  /// A readable file that is not older than the FASTA.
  bool current(const std::filesystem::path& index) const {
    struct stat a = {}, b = {};
    if (::stat(index.c_str(), &a) != 0 || !S_ISREG(a.st_mode) || ::stat(file.c_str(), &b) != 0) return false;
    if (::access(index.c_str(), R_OK) != 0) return false;
    return a.st_mtim.tv_sec != b.st_mtim.tv_sec ? a.st_mtim.tv_sec > b.st_mtim.tv_sec
                                                : a.st_mtim.tv_nsec >= b.st_mtim.tv_nsec;
  }

  void build(const struct stat& status, bool scanned) {
    if (!scanned) {
      FastaScanner scanner(file.string());
      const auto nowhere = [](std::string_view) {};
      read_decompressed(file, [&](std::string_view piece) { scanner.feed(piece, nowhere); });
      scanner.finish(nowhere);
      if (scanner.mixed_line_ends()) return open_copy();
    }
    const ScratchFolder scratch;
    const std::filesystem::path new_fai = scratch.path() / "fai", new_gzi = scratch.path() / "gzi";
    errno = 0;
    if (fai_build3(file.c_str(), new_fai.c_str(), new_gzi.c_str()) != 0) {
      // The text passed the scan, so it is nearly always the temporary folder that is full.
      if (errno != 0) throw_errno(ErrorKind::io, "the index cannot be written", file, errno);
      throw Error{{.kind = ErrorKind::input, .what = "FASTA cannot be indexed", .where = file.string()}};
    }
    const auto store = [&](const std::filesystem::path& base) {
      if (blocks_) write_file(with(base, ".gzi"), read_file(new_gzi));
      write_file(with(base, ".fai"), read_file(new_fai));
      fai = with(base, ".fai");
      gzi = with(base, ".gzi");
      return describes_file();
    };
    bool taken = false;
    try {
      taken = store(file);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::io) throw;
      taken = store(make_cache_folder() / cache_name(file, status));
    }
    if (!taken)
      throw Error{{.kind = ErrorKind::input,
                   .what = "FASTA changed while it was indexed, or its layout does not allow random access",
                   .where = file.string()}};
  }

  std::optional<BgzipBlocks> blocks_;
  Index size_ = 0;
};

}  // namespace ligase::inline LIGASE_ISA::detail
