#pragma once

#include <ligase/core/platform.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA::detail {

/// Compiled once for all lists: 0 .. n-1, sorted by less(f, i, j).
[[gnu::cold, gnu::noinline]] inline std::vector<std::size_t> sorted_places(
    std::size_t n, const void* f, bool (*less)(const void* f, std::size_t i, std::size_t j)) {
  std::vector<std::size_t> places(n);
  std::iota(places.begin(), places.end(), std::size_t{0});
  std::sort(places.begin(), places.end(), [=](std::size_t i, std::size_t j) { return less(f, i, j); });
  return places;
}

/// 0 .. n-1 in the order of less(i, j), a strict weak ordering in which equal items may come in any order. O(n log n).
template <class F>
std::vector<std::size_t> places_in_order(std::size_t n, const F& less) {
  return sorted_places(n, &less, [](const void* f, std::size_t i, std::size_t j) { return (*static_cast<const F*>(f))(i, j); });
}

/// `items` in the order of their member `name`; twice(name) where one stands twice.
template <class T, class F>
std::vector<T> sorted_by_name(std::vector<T> items, F&& twice) {
  const auto less = [&](std::size_t i, std::size_t j) {
    return std::string_view(items[i].name) < std::string_view(items[j].name);
  };
  bool in_order = true;
  for (std::size_t i = 1; i < items.size(); ++i) in_order = in_order && less(i - 1, i);
  if (in_order) return items;
  const std::vector<std::size_t> places = places_in_order(items.size(), less);
  for (std::size_t i = 1; i < places.size(); ++i)
    if (!less(places[i - 1], places[i])) twice(std::string_view(items[places[i]].name));
  std::vector<T> sorted;
  sorted.reserve(items.size());
  for (const std::size_t i : places) sorted.push_back(std::move(items[i]));
  return sorted;
}

}  // namespace ligase::inline LIGASE_ISA::detail
