#pragma once

#include <ligase/core/error.hpp>
#include <ligase/io/json_fwd.hpp>

#include <nlohmann/json.hpp>

#include <concepts>
#include <cstdio>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// JSON values as C++ values, with errors that say where a value stands.
namespace ligase::inline LIGASE_ISA::detail {

template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};
template <class T>
struct is_string_map : std::false_type {};
template <class T>
struct is_string_map<std::map<std::string, T>> : std::true_type {};

/// A value as one of its document's own types, such as J::object_t, or null. An integer from 0 on is number_unsigned_t and
/// number_integer_t. (nlohmann_json's get<T>, iterators and comparisons take two seconds to compile.)
template <class V, class J>
const V* json_as(const J& value) {
  return value.template get_ptr<const V*>();
}

/// The member of that name; null where there is none, or no object.
template <class J>
[[gnu::noinline]] const J* find_member(const J& object, std::string_view name) {
  const auto* members = json_as<typename J::object_t>(object);
  if (members == nullptr) return nullptr;
  const auto found = members->find(std::string(name));
  return found == members->end() ? nullptr : &found->second;
}

/// Where a value stands, put into words for a message only.
class JsonPlace {
 public:
  JsonPlace(const std::string& whole) : begin_(whole) {}
  JsonPlace(const std::string& where, std::string_view field) : begin_(where), field_(field) {}
  static JsonPlace item(const JsonPlace& array, std::size_t number) { return {array, {}, number}; }
  static JsonPlace member(const JsonPlace& object, std::string_view name) { return {object, name, none}; }

  [[gnu::noinline]] std::string text() const {
    std::string words = outer_ == nullptr ? std::string(begin_) : outer_->text();
    if (number_ != none) return words + "[" + std::to_string(number_) + "]";
    if (outer_ != nullptr) return words + "." + std::string(field_);
    return field_.empty() ? words : words + ": field \"" + std::string(field_) + "\"";
  }

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  JsonPlace(const JsonPlace& outer, std::string_view name, std::size_t number)
      : outer_(&outer), field_(name), number_(number) {}

  const JsonPlace* outer_ = nullptr;
  std::string_view begin_, field_;
  std::size_t number_ = none;
};

/// Short form of a value for messages: `-3`, `"abc"`, `an array of 16`.
template <class J>
[[gnu::noinline]] std::string describe_json(const J& value) {
  if (const auto* items = json_as<typename J::array_t>(value)) return "an array of " + std::to_string(items->size());
  if (const auto* members = json_as<typename J::object_t>(value))
    return "an object of " + std::to_string(members->size()) + " fields";
  if (const auto* truth = json_as<typename J::boolean_t>(value)) return *truth ? "true" : "false";
  if (const auto* number = json_as<typename J::number_unsigned_t>(value)) return std::to_string(*number);
  if (const auto* number = json_as<typename J::number_integer_t>(value)) return std::to_string(*number);
  if (const auto* number = json_as<typename J::number_float_t>(value)) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.12g", *number);
    const std::string text = digits;
    return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
  }
  const auto* text = json_as<typename J::string_t>(value);
  if (text == nullptr) return value.type_name();
  return "\"" + (text->size() > 58 ? text->substr(0, 54) + "..." : *text) + "\"";
}

template <class J>
[[noreturn, gnu::noinline]] void throw_json_type(const J& value, const JsonPlace& place, std::string expected) {
  throw Error{{.kind = ErrorKind::input,
               .what = "wrong type or value",
               .where = place.text(),
               .expected = std::move(expected),
               .found = describe_json(value)}};
}

template <class T, class J>
T convert_json(const J& value, const JsonPlace& place) {
  if constexpr (std::same_as<T, J>) {
    return value;
  } else if constexpr (std::same_as<T, bool>) {
    const auto* truth = json_as<typename J::boolean_t>(value);
    if (truth == nullptr) throw_json_type(value, place, "true or false");
    return *truth;
  } else if constexpr (std::integral<T>) {
    const auto* natural = json_as<typename J::number_unsigned_t>(value);
    const auto* integer = json_as<typename J::number_integer_t>(value);
    if (natural != nullptr && std::in_range<T>(*natural)) return static_cast<T>(*natural);
    if (natural == nullptr && integer != nullptr && std::in_range<T>(*integer)) return static_cast<T>(*integer);
    throw_json_type(value, place,
                    "an integer from " + std::to_string(std::numeric_limits<T>::min()) + " to " +
                        std::to_string(std::numeric_limits<T>::max()));
  } else if constexpr (std::floating_point<T>) {
    if (const auto* real = json_as<typename J::number_float_t>(value)) return static_cast<T>(*real);
    if (const auto* natural = json_as<typename J::number_unsigned_t>(value)) return static_cast<T>(*natural);
    if (const auto* integer = json_as<typename J::number_integer_t>(value)) return static_cast<T>(*integer);
    throw_json_type(value, place, "a number");
  } else if constexpr (std::same_as<T, std::string>) {
    const auto* text = json_as<typename J::string_t>(value);
    if (text == nullptr) throw_json_type(value, place, "a string");
    return *text;
  } else if constexpr (is_vector<T>::value) {
    const auto* array = json_as<typename J::array_t>(value);
    if (array == nullptr) throw_json_type(value, place, "an array");
    T items;
    items.reserve(array->size());
    for (const J& item : *array)
      items.push_back(convert_json<typename T::value_type>(item, JsonPlace::item(place, items.size())));
    return items;
  } else {
    static_assert(is_string_map<T>::value, "JSON fields are bool, numbers, strings, vectors or maps from strings");
    const auto* object = json_as<typename J::object_t>(value);
    if (object == nullptr) throw_json_type(value, place, "an object");
    T items;
    for (const auto& [name, item] : *object)
      items.emplace(name, convert_json<typename T::mapped_type>(item, JsonPlace::member(place, name)));
    return items;
  }
}

}  // namespace ligase::inline LIGASE_ISA::detail
