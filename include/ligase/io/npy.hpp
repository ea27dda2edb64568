#pragma once

#include <ligase/core/shape.hpp>
#include <ligase/io/dtype.hpp>
#include <ligase/io/file.hpp>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace ligase::inline LIGASE_ISA {

namespace detail {

/// NumPy's names of the element types, little endian.
inline constexpr std::array<std::pair<DType, std::string_view>, 12> npy_types{{{DType::BOOL, "|b1"},
                                                                               {DType::U8, "|u1"},
                                                                               {DType::I8, "|i1"},
                                                                               {DType::U16, "<u2"},
                                                                               {DType::I16, "<i2"},
                                                                               {DType::U32, "<u4"},
                                                                               {DType::I32, "<i4"},
                                                                               {DType::U64, "<u8"},
                                                                               {DType::I64, "<i8"},
                                                                               {DType::F16, "<f2"},
                                                                               {DType::F32, "<f4"},
                                                                               {DType::F64, "<f8"}}};
inline constexpr std::string_view npy_magic = "\x93NUMPY";

[[noreturn]] inline void refuse_npy(const std::string& where, std::string what, std::string expected, std::string found) {
  throw Error{{.kind = ErrorKind::input,
               .what = std::move(what),
               .where = where,
               .expected = std::move(expected),
               .found = std::move(found)}};
}

/// Reads the dictionary of a header: exactly 'descr', 'fortran_order' and 'shape', in any order.
class NpyHeaderReader {
 public:
  NpyHeaderReader(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  void read(std::string& type, bool& fortran, Shape& shape) {
    need('{');
    int seen = 0;
    while (!take('}')) {
      const std::string key = quoted();
      need(':');
      if (key == "descr") {
        type = quoted();
        seen |= 1;
      } else if (key == "fortran_order") {
        fortran = take_word("True");
        if (!fortran && !take_word("False")) refuse();
        seen |= 2;
      } else if (key == "shape") {
        shape = Shape{};
        for (need('('); !take(')');) {
          shape.push_back(number());
          if (!take(',') && !peek(')')) refuse();
        }
        seen |= 4;
      } else {
        refuse();
      }
      if (!take(',') && !peek('}')) refuse();
    }
    skip();
    if (seen != 7 || at_ != text_.size()) refuse();
  }

 private:
  [[noreturn]] void refuse() const {
    refuse_npy(where_, "header of a .npy file that cannot be read", "{'descr': ..., 'fortran_order': ..., 'shape': (...)}",
               "something else at byte " + std::to_string(at_) + " of it");
  }
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool peek(char c) {
    skip();
    return at_ < text_.size() && text_[at_] == c;
  }
  bool take(char c) {
    if (!peek(c)) return false;
    ++at_;
    return true;
  }
  void need(char c) {
    if (!take(c)) refuse();
  }
  bool take_word(std::string_view word) {
    skip();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  std::string quoted() {
    need('\'');
    const auto end = text_.find('\'', at_);
    if (end == std::string_view::npos) refuse();
    std::string word(text_.substr(at_, end - at_));
    at_ = end + 1;
    return word;
  }
  Index number() {
    skip();
    Index value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc{} || value < 0) refuse();
    at_ = static_cast<std::size_t>(end - text_.data());
    return value;
  }

  std::string_view text_;
  const std::string& where_;
  std::size_t at_ = 0;
};

}  // namespace detail

/// What stands in front of the elements of a .npy file (NumPy format 1.0), rows last. Throws kind `usage` for a type that
/// NumPy does not have.
inline std::string compose_npy_header(DType dtype, const Shape& shape) {
  std::string_view type;
  for (const auto& [known, name] : detail::npy_types)
    if (known == dtype) type = name;
  if (type.empty())
    throw Error{{.kind = ErrorKind::usage, .what = "NumPy has no such element type", .found = std::string(dtype_name(dtype))}};
  std::string text = "{'descr': '" + std::string(type) + "', 'fortran_order': False, 'shape': (";
  for (int i = 0; i < shape.rank(); ++i) text += std::to_string(shape[i]) + (i + 1 < shape.rank() ? ", " : shape.rank() == 1 ? "," : "");
  text += "), }";
  constexpr std::size_t before = 10, alignment = 64;
  text.append((alignment - (before + text.size() + 1) % alignment) % alignment, ' ');
  text += '\n';
  std::string header(detail::npy_magic);
  header += {'\1', '\0', static_cast<char>(text.size() & 0xFFU), static_cast<char>(text.size() >> 8U)};
  return header + text;
}

/// A .npy file (NumPy formats 1 to 3, little endian, rows last), memory-mapped. Header, shape and size of the file are checked
/// before any of it is believed; errors are of kind `input`.
class NpyFile {
 public:
  explicit NpyFile(const std::filesystem::path& path) : file_(path), where_(path.string()) {
    const std::string_view text = file_.text();
    if (!text.starts_with(detail::npy_magic) || text.size() < 10)
      detail::refuse_npy(where_, "no .npy file", "a file that NumPy wrote", text.empty() ? "an empty file" : "another beginning");
    const auto byte = [&](std::size_t i) { return std::size_t{static_cast<unsigned char>(text[i])}; };
    const std::size_t version = byte(6), begin = version == 1 ? 10 : 12;
    if (version < 1 || version > 3)
      detail::refuse_npy(where_, "unknown version of .npy", "1 to 3", std::to_string(version));
    if (text.size() < begin) detail::refuse_npy(where_, "the file is truncated", "a header", "none");
    const std::size_t length = byte(8) | byte(9) << 8U | (version == 1 ? 0 : byte(10) << 16U | byte(11) << 24U);
    if (length > text.size() - begin)
      detail::refuse_npy(where_, "header length does not fit the file", "at most " + std::to_string(text.size() - begin),
                         std::to_string(length));
    std::string type;
    bool fortran = false;
    try {
      detail::NpyHeaderReader(text.substr(begin, length), where_).read(type, fortran, shape_);
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::shape) throw;
      detail::refuse_npy(where_, "impossible shape (" + e.fields().what + ")", e.fields().expected, e.fields().found);
    }
    if (fortran && shape_.rank() > 1) detail::refuse_npy(where_, "columns come first", "'fortran_order': False", "True");
    for (const auto& [known, name] : detail::npy_types)
      if (name == type) dtype_ = known;
    if (!dtype_) detail::refuse_npy(where_, "element type that is not read", "little-endian numbers or bool", "'" + type + "'");
    Index bytes = 0;
    data_ = file_.bytes().subspan(begin + length);
    if (__builtin_mul_overflow(shape_.count(), dtype_bytes(*dtype_), &bytes) || bytes != static_cast<Index>(data_.size()))
      detail::refuse_npy(where_, "shape does not fit the file (truncated?)",
                         shape_.text() + " of " + std::to_string(dtype_bytes(*dtype_)) + " bytes each",
                         std::to_string(data_.size()) + " bytes of data");
  }

  DType dtype() const { return *dtype_; }
  const Shape& shape() const { return shape_; }
  /// The elements, which need not be aligned.
  std::span<const std::byte> bytes() const { return data_; }
  const std::string& where() const { return where_; }

 private:
  MappedFile file_;
  std::string where_;
  std::optional<DType> dtype_;
  Shape shape_;
  std::span<const std::byte> data_;
};

}  // namespace ligase::inline LIGASE_ISA
