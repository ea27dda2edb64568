#pragma once

#include <ligase/core/error.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// The fields of one CSV row and the line it begins on. Views are valid until the reader is fed again.
struct CsvRow {
  std::vector<std::string_view> fields;
  Index line = 0;
};

/// Comma-separated text as RFC 4180 has it, arriving in pieces: fields in double quotes may hold commas, line ends and
/// doubled quotes; lines end with LF or CR LF, the last one with either or nothing; empty lines and a byte-order mark are
/// skipped. The first row sets the number of fields. Every fault is an error of kind input with file and line: another
/// number of fields, text around a quoted field, a quote inside an unquoted one, a quote that is never closed, a row
/// beyond 64 MiB. Linear; keeps one row in memory.
class CsvReader {
 public:
  explicit CsvReader(std::string file) : file_(std::move(file)) {}

  /// Calls sink(const CsvRow&) for every row that ends in this piece.
  template <class Sink>
  void feed(std::string_view piece, Sink&& sink) {
    while (!piece.empty()) {
      const std::size_t end = piece.find('\n');
      const std::string_view part = piece.substr(0, end);
      quotes_ += std::count(part.begin(), part.end(), '"');
      text_.append(part);
      if (text_.size() > longest_row) fail("row is too long", "at most 64 MiB", "more");
      if (end == std::string_view::npos) return;
      ++lines_;
      piece.remove_prefix(end + 1);
      // Inside a quoted field the line end belongs to the text.
      if (quotes_ % 2 == 0)
        finish_row(sink);
      else
        text_ += '\n';
    }
  }
  /// The last row, where the text does not end with a line end.
  template <class Sink>
  void finish(Sink&& sink) {
    if (quotes_ % 2 != 0) fail("quote is never closed", "'\"' before the end of the file", "none");
    if (text_.empty()) return;
    ++lines_;
    finish_row(sink);
  }

  const std::string& file() const { return file_; }

 private:
  static constexpr std::size_t longest_row = std::size_t{64} << 20;

  template <class Sink>
  void finish_row(Sink&& sink) {
    std::string_view text = text_;
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (first_line_ == 1 && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    if (!text.empty()) {
      row_.line = first_line_;
      row_.fields.clear();
      if (quotes_ == 0)
        split(text);
      else
        unquote(text);
      const std::size_t n = row_.fields.size();
      if (columns_ == 0) columns_ = n;
      if (n != columns_) fail("broken row", std::to_string(columns_) + " fields", std::to_string(n));
      sink(std::as_const(row_));
    }
    text_.clear();
    quotes_ = 0;
    first_line_ = lines_ + 1;
  }

  void split(std::string_view text) {
    for (std::size_t comma; (comma = text.find(',')) != std::string_view::npos; text.remove_prefix(comma + 1))
      row_.fields.push_back(text.substr(0, comma));
    row_.fields.push_back(text);
  }

  void unquote(std::string_view text) {
    plain_.clear();
    plain_.reserve(text.size());
    for (std::size_t i = 0;;) {
      const std::size_t begin = plain_.size();
      const bool quoted = i < text.size() && text[i] == '"';
      if (quoted) ++i;
      for (; i < text.size(); ++i) {
        if (quoted && text[i] == '"') {
          if (i + 1 == text.size() || text[i + 1] != '"') break;
          ++i;
        } else if (!quoted && text[i] == ',') {
          break;
        } else if (!quoted && text[i] == '"') {
          fail("quote inside a field without quotes", "quotes around the whole field", "'\"'");
        }
        plain_ += text[i];
      }
      if (quoted && i == text.size()) fail("quote is never closed", "'\"' at the end of the field", "none");
      if (quoted && ++i < text.size() && text[i] != ',')
        fail("text after a field in quotes", "',' or the end of the row", "'" + std::string(1, text[i]) + "'");
      row_.fields.push_back(std::string_view(plain_).substr(begin));
      if (i >= text.size()) return;
      ++i;
    }
  }

  [[noreturn]] void fail(std::string what, std::string expected, std::string found) const {
    throw Error{{.kind = ErrorKind::input,
                 .what = std::move(what),
                 .where = file_ + ":" + std::to_string(first_line_),
                 .expected = std::move(expected),
                 .found = std::move(found)}};
  }

  std::string file_, text_, plain_;
  CsvRow row_;
  std::ptrdiff_t quotes_ = 0;
  Index lines_ = 0, first_line_ = 1;
  std::size_t columns_ = 0;
};

/// The field as CSV writes it: in quotes where it has to be.
inline std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

}  // namespace ligase::inline LIGASE_ISA
