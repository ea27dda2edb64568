#pragma once

#include <ligase/io/file.hpp>
#include <ligase/io/json_fwd.hpp>
#include <ligase/io/json_reader.hpp>

#include <nlohmann/json.hpp>

#include <concepts>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

// nlohmann_json takes a second to read and two more to instantiate. Headers that only name the types include
// <ligase/io/json_fwd.hpp>. Functions that touch documents are templates on the document type, here and elsewhere: a file
// compiles those that it calls, and a program can declare `extern template` for them and instantiate once.

namespace ligase::inline LIGASE_ISA {

namespace detail {

template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};
template <class T>
struct is_string_map : std::false_type {};
template <class T>
struct is_string_map<std::map<std::string, T>> : std::true_type {};

/// Short form of a value for messages: `-3`, `"abc"`, `an array of 16`.
template <class J>
std::string describe_json(const J& value) {
  if (value.is_array()) return "an array of " + std::to_string(value.size());
  if (value.is_object()) return "an object of " + std::to_string(value.size()) + " fields";
  if (value.is_boolean()) return value.template get<bool>() ? "true" : "false";
  if (value.is_number_unsigned()) return std::to_string(value.template get<std::uint64_t>());
  if (value.is_number_integer()) return std::to_string(value.template get<std::int64_t>());
  if (value.is_number()) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.12g", value.template get<double>());
    const std::string text = digits;
    return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
  }
  if (!value.is_string()) return value.type_name();
  const auto& text = value.template get_ref<const std::string&>();
  return "\"" + (text.size() > 58 ? text.substr(0, 54) + "..." : text) + "\"";
}

template <class J>
[[noreturn]] void throw_json_type(const J& value, const std::string& place, std::string expected) {
  throw Error{{.kind = ErrorKind::input,
               .what = "wrong type or value",
               .where = place,
               .expected = std::move(expected),
               .found = describe_json(value)}};
}

template <class T, class J>
T convert_json(const J& value, const std::string& place) {
  if constexpr (std::same_as<T, J>) {
    return value;
  } else if constexpr (std::same_as<T, bool>) {
    if (!value.is_boolean()) throw_json_type(value, place, "true or false");
    return value.template get<bool>();
  } else if constexpr (std::integral<T>) {
    const bool fits = value.is_number_unsigned()  ? std::in_range<T>(value.template get<std::uint64_t>())
                      : value.is_number_integer() ? std::in_range<T>(value.template get<std::int64_t>())
                                                  : false;
    if (!fits)
      throw_json_type(value, place,
                      "an integer from " + std::to_string(std::numeric_limits<T>::min()) + " to " +
                          std::to_string(std::numeric_limits<T>::max()));
    return value.template get<T>();
  } else if constexpr (std::floating_point<T>) {
    if (!value.is_number()) throw_json_type(value, place, "a number");
    return value.template get<T>();
  } else if constexpr (std::same_as<T, std::string>) {
    if (!value.is_string()) throw_json_type(value, place, "a string");
    return value.template get<std::string>();
  } else if constexpr (is_vector<T>::value) {
    if (!value.is_array()) throw_json_type(value, place, "an array");
    T items;
    items.reserve(value.size());
    for (const J& item : value)
      items.push_back(convert_json<typename T::value_type>(item, place + "[" + std::to_string(items.size()) + "]"));
    return items;
  } else {
    static_assert(is_string_map<T>::value, "JSON fields are bool, numbers, strings, vectors or maps from strings");
    if (!value.is_object()) throw_json_type(value, place, "an object");
    T items;
    for (auto item = value.begin(); item != value.end(); ++item)
      items.emplace(item.key(), convert_json<typename T::mapped_type>(item.value(), place + "." + item.key()));
    return items;
  }
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
T require(const J& object, const std::string& field, const std::string& where) {
  if (!object.is_object()) detail::throw_json_type(object, where, "an object with the field \"" + field + "\"");
  const auto found = object.find(field);
  if (found == object.end())
    throw Error{{.kind = ErrorKind::input, .what = "the field \"" + field + "\" is missing", .where = where}};
  return detail::convert_json<T>(*found, where + ": field \"" + field + "\"");
}

/// The same; nothing where the field is missing or null.
template <class T, class J>
std::optional<T> optional_field(const J& object, const std::string& field, const std::string& where) {
  if (!object.is_object()) detail::throw_json_type(object, where, "an object");
  const auto found = object.find(field);
  if (found == object.end() || found->is_null()) return std::nullopt;
  return detail::convert_json<T>(*found, where + ": field \"" + field + "\"");
}

/// The same; `fallback` where the field is missing or null.
template <class T, class J>
T field_or(const J& object, const std::string& field, T fallback, const std::string& where) {
  return optional_field<T>(object, field, where).value_or(std::move(fallback));
}

/// Reads members of an object into variables: (name, variable). A missing or null member leaves its variable as it is.
/// Out of line: a configuration has dozens of members of four types.
template <class J>
struct FieldReader {
  const J& object;
  std::string where;

  template <class T>
  [[gnu::noinline]] void operator()(const char* name, T& value) const {
    value = field_or<T>(object, name, std::move(value), where);
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
