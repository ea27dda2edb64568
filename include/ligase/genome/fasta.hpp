#pragma once

#include <ligase/core/error.hpp>
#include <ligase/genome/contig.hpp>
#include <ligase/genome/fasta_open.hpp>

#include <htslib/faidx.h>
#include <htslib/hts.h>
#include <sys/stat.h>
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// A FASTA file, plain, gzip or bgzip, read at random places (HTSlib faidx). Opening checks the file: an index that is
/// missing or does not describe it is built, in ${LIGASE_CACHE:-~/.cache/ligase} where the file's folder cannot be
/// written; a plain gzip file, or one whose lines end with LF here and CR LF there, is repacked there once as bgzip.
/// Building reads the file once and refuses what is no FASTA. Const members may be called from several threads (one mutex). HTSlib's own messages are switched off for the
/// process.
class Fasta {
 public:
  /// cache_bytes: how much of a bgzip file is kept decompressed; reading from front to back needs next to none.
  /// Errors of kind input: missing, empty or truncated file, no header, bytes that are no letters, empty sequences,
  /// lines of different widths.
  explicit Fasta(std::filesystem::path path, int cache_bytes = 128 << 20) : path_(std::move(path)) {
    hts_set_log_level(HTS_LOG_OFF);
    detail::OpenedFasta opened(path_);
    handle_.reset(fai_load3(opened.file.c_str(), opened.fai.c_str(), opened.gzi.c_str(), 0));
    if (!handle_)
      throw Error{{.kind = ErrorKind::io, .what = "cannot open the FASTA with its index", .where = path_.string()}};
    fai_set_cache_size(handle_.get(), cache_bytes);
    for (detail::FaiEntry& entry : opened.entries) {
      numbers_.emplace(entry.name, static_cast<Index>(contigs_.size()));
      contigs_.push_back({std::move(entry.name), entry.length});
    }
    files_.push_back({path_, detail::file_status(path_)});
    if (opened.file != path_) files_.push_back({opened.file, detail::file_status(opened.file)});
  }

  const std::filesystem::path& path() const { return path_; }
  /// Names and lengths in bp, in file order.
  const std::vector<Contig>& contigs() const { return contigs_; }
  bool contains(std::string_view name) const { return numbers_.contains(std::string(name)); }
  /// Length in bp.
  Index length(std::string_view name) const { return contig(name).length; }

  /// Throws kind io where the file is gone or has another size or time of change than when it was opened: what fetch
  /// returns may be something else by now.
  void check_unchanged() const {
    for (const auto& [file, before] : files_) {
      struct stat now = {};
      if (::stat(file.c_str(), &now) != 0)
        detail::throw_errno(ErrorKind::io, "the FASTA cannot be found any more", file, errno);
      if (now.st_size != before.st_size || now.st_mtim.tv_sec != before.st_mtim.tv_sec ||
          now.st_mtim.tv_nsec != before.st_mtim.tv_nsec)
        throw Error{{.kind = ErrorKind::io, .what = "the FASTA was changed since it was opened", .where = file.string()}};
    }
  }

  /// The letters [begin, end) of a sequence, 0-based, in bp; case is kept, line ends are left out. Errors of kind
  /// input: unknown sequence, range outside it, bytes that are no letters, a damaged file; of kind io: the file is gone
  /// or was changed (check_unchanged).
  std::string fetch(std::string_view name, Index begin, Index end) const {
    const Contig& from = contig(name);
    if (begin < 0 || end < begin || end > from.length)
      throw Error{{.kind = ErrorKind::input,
                   .what = "range outside the sequence",
                   .where = path_.string(),
                   .expected = from.name + ":0-" + std::to_string(from.length),
                   .found = from.name + ":" + std::to_string(begin) + "-" + std::to_string(end)}};
    if (begin == end) return {};
    std::string letters;
    {
      const std::lock_guard lock(*mutex_);
      hts_pos_t count = 0;
      const std::unique_ptr<char, decltype(&std::free)> text(
          faidx_fetch_seq64(handle_.get(), from.name.c_str(), begin, end - 1, &count), &std::free);
      if (text != nullptr && count > 0) letters.assign(text.get(), static_cast<std::size_t>(count));
    }
    if (static_cast<Index>(letters.size()) != end - begin) {
      check_unchanged();
      throw Error{{.kind = ErrorKind::input,
                   .what = "the file is damaged: " + from.name + ":" + std::to_string(begin) + "-" +
                           std::to_string(end) + " cannot be read",
                   .where = path_.string()}};
    }
    const auto wrong = std::find_if_not(letters.begin(), letters.end(), detail::is_letter);
    if (wrong != letters.end())
      throw Error{{.kind = ErrorKind::input,
                   .what = "byte that is no letter in sequence '" + from.name + "', position " +
                           std::to_string(begin + (wrong - letters.begin())),
                   .where = path_.string(),
                   .expected = "letters (A, C, G, T, N or other IUPAC codes)",
                   .found = detail::show_byte(*wrong)}};
    return letters;
  }

 private:
  struct Destroy {
    void operator()(faidx_t* index) const { fai_destroy(index); }
  };

  const Contig& contig(std::string_view name) const {
    const auto found = numbers_.find(std::string(name));
    if (found == numbers_.end())
      throw Error{
          {.kind = ErrorKind::input,
           .what = "unknown sequence '" + std::string(name) + "'",
           .where = path_.string(),
           .expected = "one of " + std::to_string(contigs_.size()) + " such as '" + contigs_.front().name + "'"}};
    return contigs_[static_cast<std::size_t>(found->second)];
  }

  std::filesystem::path path_;
  std::unique_ptr<faidx_t, Destroy> handle_;
  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();
  std::vector<Contig> contigs_;
  std::unordered_map<std::string, Index> numbers_;
  std::vector<std::pair<std::filesystem::path, struct stat>> files_;
};

}  // namespace ligase::inline LIGASE_ISA
