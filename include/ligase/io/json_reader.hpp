#pragma once

#include <ligase/core/platform.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA::detail {

/// Builds a document from the parser's events and stops at a key that stands twice in an object. nlohmann_json's own builders
/// cannot see that without a callback for every value, and cost three times as long to compile.
template <class J>
class JsonReader {
 public:
  /// False: `error` says why; `duplicate` is then the key, if it was one.
  bool read(std::string_view text) {
    left_ = 2 * text.size() + (std::size_t{64} << 20);
    const auto adapter = [&] { return nlohmann::detail::input_adapter(text.data(), text.data() + text.size()); };
    return nlohmann::detail::parser<J, decltype(adapter())>(adapter()).sax_parse(this);
  }
  J document;
  std::string error, duplicate;

  bool null() {
    place(J());
    return take_value();
  }
  bool boolean(bool x) { return scalar(J::value_t::boolean, std::move(x)); }
  bool number_integer(typename J::number_integer_t x) { return scalar(J::value_t::number_integer, std::move(x)); }
  bool number_unsigned(typename J::number_unsigned_t x) { return scalar(J::value_t::number_unsigned, std::move(x)); }
  bool number_float(typename J::number_float_t x, const std::string&) { return scalar(J::value_t::number_float, std::move(x)); }
  bool string(std::string& x) { return take(sizeof(x) + x.size()) && scalar(J::value_t::string, std::move(x)); }
  bool binary(typename J::binary_t&) { return false; }
  bool start_object(std::size_t) { return enter(J(J::value_t::object)); }
  bool start_array(std::size_t) { return enter(J(J::value_t::array)); }
  bool end_object() { return leave(); }
  bool end_array() { return leave(); }
  bool key(std::string& name) {
    const auto [place, added] = open_.back()->template get_ptr<typename J::object_t*>()->emplace(name, J());
    if (!added) duplicate = std::move(name);
    field_ = &place->second;
    if (added) return take(sizeof(name) + 96 + place->first.size());
    return false;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& e) {
    error = e.what();
    return false;
  }

 private:
  J* place(J&& x) {
    if (open_.empty()) {
      document = std::move(x);
      return &document;
    }
    if (open_.back()->is_object()) {
      *field_ = std::move(x);
      return field_;
    }
    auto& items = *open_.back()->template get_ptr<typename J::array_t*>();
    items.push_back(std::move(x));
    return &items.back();
  }
  /// Counts what a value takes, the spare room of arrays that grow and of their destructor included; false where it is more
  /// than twice the text and 64 MB: brackets alone take a hundred times the text.
  bool take(std::size_t bytes) {
    if (bytes > left_) error = "more values than a file of this size may hold";
    left_ -= bytes < left_ ? bytes : left_;
    return error.empty();
  }
  bool take_value() { return take(5 * sizeof(J)); }
  /// Written in place: the converting constructors of a document take long to compile.
  template <class V>
  bool scalar(typename J::value_t type, V&& x) {
    *place(J(type))->template get_ptr<V*>() = std::move(x);
    return take_value();
  }
  bool enter(J&& x) {
    open_.push_back(place(std::move(x)));
    return take(5 * sizeof(J) + 96);
  }
  bool leave() {
    open_.pop_back();
    return true;
  }

  std::vector<J*> open_;  ///< arrays and objects around the next value; each is its parent's last item, so none moves
  J* field_ = nullptr;
  std::size_t left_ = 0;
};

}  // namespace ligase::inline LIGASE_ISA::detail
