#pragma once

#include <ligase/io/file.hpp>
#include <ligase/io/json_convert.hpp>
#include <ligase/io/json_reader.hpp>

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// nlohmann_json takes a second to read and two more to instantiate. Headers that only name the types include
// <ligase/io/json_fwd.hpp>. Functions that touch documents are templates on the document type, here and elsewhere: a file
// compiles those that it calls, and a program can declare `extern template` for them and instantiate once.

namespace ligase::inline LIGASE_ISA {

namespace detail {

/// Says why there is no such member.
template <class J>
[[noreturn, gnu::noinline]] void throw_missing(const J& object, std::string_view field, const std::string& where) {
  const std::string name = "the field \"" + std::string(field) + "\"";
  if (!object.is_object()) throw_json_type(object, where, "an object with " + name);
  throw Error{{.kind = ErrorKind::input, .what = name + " is missing", .where = where}};
}

/// The member of an object; null where it is missing or null itself.
template <class J>
const J* optional_member(const J& object, std::string_view field, const std::string& where) {
  if (!object.is_object()) throw_json_type(object, where, "an object");
  const J* member = find_member(object, field);
  return member == nullptr || member->is_null() ? nullptr : member;
}

}  // namespace detail

/// Parses a JSON text; `where` (the file) goes into messages. Stricter than the grammar: a key that stands twice in an
/// object is an error. Throws kind `input` with line and column.
template <class J = Json>
J parse_json(std::string_view text, const std::string& where) {
  // The parser takes a zero byte for the end of the text.
  if (const auto zero = text.find('\0'); zero != std::string_view::npos)
    throw Error{{.kind = ErrorKind::input,
                 .what = "not valid JSON",
                 .where = where,
                 .found = "a zero byte at offset " + std::to_string(zero)}};
  detail::JsonReader<J> reader;
  if (reader.read(text)) return std::move(reader.document);
  if (!reader.duplicate.empty() || reader.error.empty())
    throw Error{{.kind = ErrorKind::input,
                 .what = "the same key stands twice in one JSON object",
                 .where = where,
                 .found = "\"" + reader.duplicate + "\""}};
  // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
  if (const auto end = reader.error.find("] "); end != std::string::npos) reader.error.erase(0, end + 2);
  throw Error{{.kind = ErrorKind::input, .what = "not valid JSON", .where = where, .found = reader.error}};
}

template <class J = Json>
J parse_json_file(const std::filesystem::path& path) {
  return parse_json<J>(read_file(path), path.string());
}

/// The field of an object as T: bool, integer (range checked), floating point, std::string, std::vector of these,
/// std::map from std::string to these, or Json itself. Throws kind `input` naming `where` and the field when the value is
/// no object, the field is missing or of another type.
template <class T, class J>
T require(const J& object, std::string_view field, const std::string& where) {
  const J* member = detail::find_member(object, field);
  if (member == nullptr) detail::throw_missing(object, field, where);
  return detail::convert_json<T>(*member, {where, field});
}

/// The same; nothing where the field is missing or null.
template <class T, class J>
std::optional<T> optional_field(const J& object, std::string_view field, const std::string& where) {
  const J* member = detail::optional_member(object, field, where);
  if (member == nullptr) return std::nullopt;
  return detail::convert_json<T>(*member, {where, field});
}

/// The same; `fallback` where the field is missing or null.
template <class T, class J>
T field_or(const J& object, std::string_view field, T fallback, const std::string& where) {
  const J* member = detail::optional_member(object, field, where);
  return member == nullptr ? std::move(fallback) : detail::convert_json<T>(*member, {where, field});
}

/// Reads members of an object into variables: (name, variable). A missing or null member leaves its variable as it is.
/// Out of line: a configuration has dozens of members of four types.
template <class J>
struct FieldReader {
  const J& object;
  std::string where;

  template <class T>
  [[gnu::noinline]] void operator()(const char* name, T& value) const {
    if (const J* member = detail::optional_member(object, name, where)) value = detail::convert_json<T>(*member, {where, name});
  }
};
/// Writes variables to members of an object.
template <class J>
struct FieldWriter {
  J object = J::object();

  template <class T>
  [[gnu::noinline]] void operator()(const char* name, const T& value) {
    object[name] = value;
  }
};

/// JSON text; indent -1 is one line. Throws kind `internal` for strings that are not UTF-8. NaN and infinities become null.
template <class J>
std::string dump_json(const J& document, int indent = 2) {
  try {
    return document.dump(indent);
  } catch (const typename J::exception& e) {
    throw Error{{.kind = ErrorKind::internal, .what = "cannot write as JSON", .found = e.what()}};
  }
}

/// Writes the document with a final newline, atomically.
template <class J>
void write_json_file(const std::filesystem::path& path, const J& document, int indent = 2) {
  write_file(path, dump_json(document, indent) + "\n");
}

}  // namespace ligase::inline LIGASE_ISA
