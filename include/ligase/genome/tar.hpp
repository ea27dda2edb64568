#pragma once

#include <ligase/core/error.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

namespace detail {

/// A path inside an archive, cut at '/', without empty parts and '.'. Absolute paths, '..' and control bytes are errors:
/// such an archive wants to write where it should not.
inline std::vector<std::string> archive_path(std::string_view path, const std::string& file) {
  const auto refuse = [&](const char* what) {
    std::string shown(path.substr(0, 80));
    for (char& c : shown)
      if (static_cast<unsigned char>(c) < 0x20) c = '?';
    throw Error{{.kind = ErrorKind::input,
                 .what = what,
                 .where = file,
                 .expected = "relative paths that stay below the archive's root",
                 .found = "'" + shown + "'"}};
  };
  if (path.starts_with('/')) refuse("absolute path in the archive");
  if (std::any_of(path.begin(), path.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }))
    refuse("control byte in a path of the archive");
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, end);
    if (part == "..") refuse("path with '..' in the archive");
    if (!part.empty() && part != ".") parts.emplace_back(part);
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return parts;
}

}  // namespace detail

/// Reads a tar archive (POSIX ustar and pax, GNU long names) that arrives in pieces; nothing is written to disk. For
/// every regular file it asks wanted(const std::vector<std::string>& path) and, where true, calls sink(path,
/// std::string_view content) with the whole content, at most 64 MiB. Folders are skipped; links, devices and sparse files
/// are errors, as are damaged headers, lengths that lie and an archive that ends early. Errors of kind input.
class TarReader {
 public:
  explicit TarReader(std::string file) : file_(std::move(file)) {}

  template <class Wanted, class Sink>
  void feed(std::string_view piece, Wanted&& wanted, Sink&& sink) {
    while (!piece.empty() && state_ != State::end) {
      if (state_ == State::header) {
        take(piece, block_size);
        if (buffer_.size() < block_size) return;
        begin_member(wanted);
      } else if (state_ == State::padding) {
        const std::size_t n = std::min<std::uint64_t>(left_, piece.size());
        left_ -= n;
        piece.remove_prefix(n);
      } else {
        take(piece, size_);
      }
      if (state_ == State::content && buffer_.size() == size_) finish_member(sink);
      if (state_ == State::padding && left_ == 0) state_ = State::header;
    }
  }
  void finish() const {
    if (members_ == 0 && state_ == State::header) fail("not a tar archive", "tar headers", "no file");
    // Some writers leave the two zero blocks out.
    if (state_ == State::end || (state_ == State::header && buffer_.empty() && pax_path_.empty())) return;
    fail("archive is truncated", "the end of '" + name_ + "'", "the end of the archive");
  }

 private:
  enum class State { header, content, padding, end };
  static constexpr std::size_t block_size = 512, longest_file = std::size_t{64} << 20, longest_note = 1 << 20;

  void take(std::string_view& piece, std::size_t target) {
    const std::size_t n = std::min(target - buffer_.size(), piece.size());
    buffer_.append(piece.substr(0, n));
    piece.remove_prefix(n);
  }

  /// A text field ends at its first zero byte.
  std::string_view field(std::size_t begin, std::size_t size) const {
    const std::string_view text = std::string_view(buffer_).substr(begin, size);
    return text.substr(0, text.find('\0'));
  }

  /// Octal digits between spaces, or GNU's big-endian binary form.
  std::uint64_t number(std::size_t begin, std::size_t size, const char* what) const {
    const std::string_view raw = std::string_view(buffer_).substr(begin, size);
    std::uint64_t value = 0;
    if ((static_cast<unsigned char>(raw[0]) & 0x80U) != 0) {
      for (std::size_t i = 0; i < size; ++i) {
        const auto byte = static_cast<unsigned char>(raw[i]);
        if (value >> 54U != 0 || (i == 0 && byte != 0x80)) fail("damaged header", what, "a number out of range");
        value = (value << 8U) | (i == 0 ? 0U : byte);
      }
      return value;
    }
    std::string_view digits = field(begin, size);
    digits.remove_prefix(std::min(digits.find_first_not_of(' '), digits.size()));
    digits = digits.substr(0, digits.find(' '));
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 8);
    if (digits.empty() || code != std::errc{} || end != digits.data() + digits.size())
      fail("damaged header", what, "no octal number");
    return value;
  }

  void check_sum() const {
    std::uint64_t plain = 0;
    std::int64_t signed_sum = 0;
    for (std::size_t i = 0; i < block_size; ++i) {
      const char c = i >= 148 && i < 156 ? ' ' : buffer_[i];
      plain += static_cast<unsigned char>(c);
      signed_sum += static_cast<signed char>(c);
    }
    const std::uint64_t stated = number(148, 8, "a check sum");
    if (stated != plain && static_cast<std::int64_t>(stated) != signed_sum)
      fail(members_ == 0 ? "not a tar archive" : "damaged header", "check sum " + std::to_string(plain),
           std::to_string(stated));
  }

  template <class Wanted>
  void begin_member(Wanted&& wanted) {
    if (std::all_of(buffer_.begin(), buffer_.end(), [](char c) { return c == '\0'; })) {
      if (!pax_path_.empty() || pax_size_) fail("damaged archive", "a file after a header with its name", "none");
      state_ = State::end;
      return;
    }
    check_sum();
    ++members_;
    kind_ = buffer_[156];
    std::uint64_t size = number(124, 12, "a file size");
    const std::string_view prefix = field(257, 6) == "ustar" ? field(345, 155) : std::string_view{};
    const bool note = kind_ == 'x' || kind_ == 'g' || kind_ == 'L' || kind_ == 'K';
    name_ = (prefix.empty() ? "" : std::string(prefix) + "/") + std::string(field(0, 100));
    if (!note) {
      if (!pax_path_.empty()) name_ = std::exchange(pax_path_, {});
      if (pax_size_) size = *std::exchange(pax_size_, std::nullopt);
      path_ = detail::archive_path(name_, file_);
    }
    const bool regular = kind_ == '0' || kind_ == '\0' || kind_ == '7';
    // Archives older than ustar mark a folder by its name alone.
    const bool folder = kind_ == '5' || (regular && name_.ends_with('/'));
    if (!note && !regular && !folder)
      fail("member '" + name_ + "' is a link, device or sparse file", "regular files and folders",
           std::string("type '") + (kind_ > ' ' && kind_ < 0x7F ? kind_ : '?') + "'");
    if (size > std::uint64_t{1} << 53U) fail("damaged header", "a possible file size", std::to_string(size));
    const bool read = note || (regular && !folder && wanted(std::as_const(path_)));
    const std::size_t most = note ? longest_note : longest_file;
    if (read && size > most)
      fail("member '" + name_ + "' is too large", "at most " + std::to_string(most) + " bytes", std::to_string(size));
    buffer_.clear();
    const std::uint64_t padded = (size + block_size - 1) / block_size * block_size;
    size_ = read ? static_cast<std::size_t>(size) : 0;
    left_ = padded - size_;
    state_ = read ? State::content : State::padding;
  }

  template <class Sink>
  void finish_member(Sink&& sink) {
    if (kind_ == 'L')
      pax_path_ = buffer_.substr(0, buffer_.find('\0'));
    else if (kind_ == 'x' || kind_ == 'g')
      read_pax();
    else if (kind_ != 'K')
      sink(std::as_const(path_), std::string_view(buffer_));
    buffer_.clear();
    state_ = State::padding;
  }

  /// Records "length key=value\n"; the length counts itself.
  void read_pax() {
    std::string_view rest = buffer_;
    while (!rest.empty()) {
      std::size_t length = 0;
      const auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), length);
      const auto digits = static_cast<std::size_t>(end - rest.data());
      if (code != std::errc{} || length > rest.size() || length < digits + 3 || *end != ' ' || rest[length - 1] != '\n')
        fail("damaged pax header", "'length key=value'", "something else");
      const std::string_view record = rest.substr(digits + 1, length - digits - 2);
      const std::size_t equals = record.find('=');
      if (equals == std::string_view::npos) fail("damaged pax header", "'key=value'", "no '='");
      const std::string_view key = record.substr(0, equals), value = record.substr(equals + 1);
      if (kind_ == 'g' && (key == "path" || key == "size"))
        fail("pax header gives one " + std::string(key) + " to all files", "a header for each file", "a global header");
      if (key.starts_with("GNU.sparse")) fail("sparse file in the archive", "plain files", "a sparse one");
      if (key == "path") pax_path_ = value;
      if (key == "size") {
        std::uint64_t size = 0;
        const auto [last, wrong] = std::from_chars(value.data(), value.data() + value.size(), size);
        if (wrong != std::errc{} || last != value.data() + value.size())
          fail("damaged pax header", "a file size", "no number");
        pax_size_ = size;
      }
      rest.remove_prefix(length);
    }
  }

  [[noreturn]] void fail(std::string what, std::string expected, std::string found) const {
    throw Error{{.kind = ErrorKind::input,
                 .what = std::move(what),
                 .where = file_,
                 .expected = std::move(expected),
                 .found = std::move(found)}};
  }

  std::string file_, buffer_, name_, pax_path_;
  std::vector<std::string> path_;
  std::optional<std::uint64_t> pax_size_;
  State state_ = State::header;
  char kind_ = '0';
  std::size_t size_ = 0;
  std::uint64_t left_ = 0;
  Index members_ = 0;
};

}  // namespace ligase::inline LIGASE_ISA
