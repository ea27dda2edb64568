#pragma once

#include <ligase/core/error.hpp>
#include <ligase/io/file.hpp>

#include <zlib.h>
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA::detail {

inline bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

/// A byte as an error message shows it: 'x' or byte 0x1F.
inline std::string show_byte(char c) {
  const auto value = static_cast<unsigned char>(c);
  if (value > 0x20 && value < 0x7F) return "'" + std::string(1, c) + "'";
  constexpr std::string_view digits = "0123456789ABCDEF";
  return std::string("byte 0x") + digits[value >> 4U] + digits[value & 15U];
}

inline bool is_utf8(std::string_view text) {
  constexpr unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
  while (!text.empty()) {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const unsigned first = byte(0);
    const std::size_t length = first < 0x80 ? 1 : first < 0xC0 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (length == 0) return false;
    unsigned code = length == 1 ? first : first & (0x7FU >> length);
    for (std::size_t i = 1; i < length; ++i) {
      if ((byte(i) & 0xC0U) != 0x80U) return false;
      code = code << 6U | (byte(i) & 0x3FU);
    }
    if (code < least[length] || (code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF) return false;
    text.remove_prefix(length);
  }
  return true;
}

/// Checks FASTA text that arrives in pieces: header first, names unique, in UTF-8 and not empty, letters only, no empty
/// sequence, as many letters in each line of a sequence but the last (random access needs that). CR before LF and empty lines
/// at a sequence's end pass. `sink` is called with the text in pieces again, all line ends LF.
class FastaScanner {
 public:
  explicit FastaScanner(std::string file) : file_(std::move(file)) {}

  template <class Sink>
  void feed(std::string_view piece, Sink&& sink) {
    while (!piece.empty()) {
      const std::size_t end = std::min(piece.find('\n'), piece.size());
      line_.append(piece.substr(0, end));
      if (end == piece.size()) return;
      finish_line(sink);
      piece.remove_prefix(end + 1);
    }
  }
  template <class Sink>
  void finish(Sink&& sink) {
    if (!line_.empty()) finish_line(sink);
    if (names_.empty()) fail("FASTA without header", "a line that begins with '>'", "no text");
    finish_record();
  }

  /// Some sequence has lines with CR LF before or after lines with LF: no index describes that.
  bool mixed_line_ends() const { return mixed_; }

 private:
  template <class Sink>
  void finish_line(Sink& sink) {
    ++line_number_;
    const std::size_t width = line_.size();
    std::string_view text = line_;
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.starts_with('>')) {
      if (!names_.empty()) finish_record();
      begin_record(text.substr(1));
    } else if (!text.empty() || !names_.empty()) {
      sequence_line(text, width);
    }
    sink(text);
    sink("\n");
    line_.clear();
  }

  void begin_record(std::string_view header) {
    const std::string name(header.substr(0, header.find_first_of(" \t\v\f\r")));
    constexpr std::size_t longest_header = 1'000'000;
    if (header.size() > longest_header)
      fail("FASTA header is too long", "at most " + std::to_string(longest_header) + " bytes",
           std::to_string(header.size()));
    const auto control = std::find_if(header.begin(), header.end(), [](char c) {
      return (c >= 0 && c < ' ' && c != '\t' && c != '\v' && c != '\f' && c != '\r') || c == 0x7F;
    });
    if (control != header.end()) fail("control character in a FASTA header", "text", show_byte(*control));
    if (name.empty()) fail("FASTA header without a name", "'>name'", "'>'");
    if (!is_utf8(name)) fail("name of a sequence holds a byte that is no UTF-8", "names in UTF-8", "'" + name + "'");
    if (!names_.insert(name).second) fail("two sequences of one name", "different names", "'" + name + "' again");
    name_ = name;
    bases_ = 0;
    first_width_ = first_bases_ = 0;
    short_line_ = 0;
    lacks_return_ = false;
  }

  void sequence_line(std::string_view text, std::size_t width) {
    if (names_.empty())
      fail("FASTA without header", "a line that begins with '>'", "a line that begins with " + show_byte(text.front()));
    const auto wrong = std::find_if_not(text.begin(), text.end(), is_letter);
    if (wrong != text.end())
      fail("byte that is no letter in sequence '" + name_ + "'", "letters (A, C, G, T, N or other IUPAC codes)",
           show_byte(*wrong) + " in column " + std::to_string(wrong - text.begin() + 1));
    if (!text.empty() && short_line_ != 0)
      fail("sequence '" + name_ + "' has lines of different widths", "only the last line of a sequence to differ",
           "line " + std::to_string(short_line_));
    if (bases_ == 0) {
      first_width_ = width;
      first_bases_ = text.size();
    }
    if (text.size() > first_bases_)
      fail("sequence '" + name_ + "' has lines of different widths", std::to_string(first_bases_) + " letters",
           std::to_string(text.size()));
    // The last line of all may lack its end.
    mixed_ = mixed_ || width > first_width_ || (lacks_return_ && !text.empty());
    lacks_return_ = text.size() == first_bases_ && width < first_width_;
    if (text.size() != first_bases_) short_line_ = line_number_;
    bases_ += text.size();
  }

  void finish_record() const {
    if (bases_ == 0) fail("sequence '" + name_ + "' is empty", "at least one letter", "none");
  }

  [[noreturn]] void fail(std::string what, std::string expected, std::string found) const {
    throw Error{{.kind = ErrorKind::input,
                 .what = std::move(what),
                 .where = file_ + ":" + std::to_string(line_number_),
                 .expected = std::move(expected),
                 .found = std::move(found)}};
  }

  std::string file_;
  std::string line_;
  std::uint64_t line_number_ = 0;
  std::unordered_set<std::string> names_;
  std::string name_;
  std::size_t bases_ = 0;
  std::size_t first_width_ = 0, first_bases_ = 0;
  std::uint64_t short_line_ = 0;
  bool lacks_return_ = false;  ///< the line before has no CR, the sequence's first one has
  bool mixed_ = false;
};

struct GzipCloser {
  void operator()(gzFile_s* file) const { gzclose_r(file); }
};

/// Gives the content of a plain, gzip or bgzip file to sink(std::string_view), piece by piece. A file that is missing or
/// no regular file, and a compressed one that ends early or is damaged, is an error of kind input.
template <class Sink>
void read_decompressed(const std::filesystem::path& path, Sink&& sink) {
  std::size_t size = 0;
  Descriptor fd = open_to_read(path, size);
  const std::unique_ptr<gzFile_s, GzipCloser> file(gzdopen(fd.get(), "rb"));
  if (!file) throw_errno(ErrorKind::io, "cannot open the file", path, errno);
  (void)fd.release();  // gzclose_r closes it
  gzbuffer(file.get(), 1U << 18);
  std::vector<char> buffer(std::size_t{1} << 20);
  for (;;) {
    const int n = gzread(file.get(), buffer.data(), static_cast<unsigned>(buffer.size()));
    int status = Z_OK;
    const char* const reason = gzerror(file.get(), &status);
    if (n < 0 || (status != Z_OK && status != Z_STREAM_END)) {
      const bool early = status == Z_BUF_ERROR;
      throw Error{{.kind = status == Z_ERRNO ? ErrorKind::io : ErrorKind::input,
                   .what = early ? "compressed file is truncated" : "compressed file is damaged",
                   .where = path.string(),
                   .expected = early ? "the end of the gzip stream" : "",
                   .found = early ? "the end of the file" : reason}};
    }
    if (n == 0) return;
    sink(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
  }
}

}  // namespace ligase::inline LIGASE_ISA::detail
