#pragma once

#include <ligase/core/platform.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA::detail {

/// A name and the place of what bears it.
using NamedPlace = std::pair<std::string_view, std::size_t>;

/// Sorts by name and returns the first name that stands twice, or null. Every list of names is sorted here, so that a sort is
/// compiled once.
[[gnu::cold]] inline const NamedPlace* sort_names(std::vector<NamedPlace>& names) {
  std::sort(names.begin(), names.end());
  for (std::size_t i = 1; i < names.size(); ++i)
    if (names[i].first == names[i - 1].first) return &names[i];
  return nullptr;
}

/// `items` in the order of their member `name`; f(name) where one stands twice.
template <class T, class F>
std::vector<T> sorted_by_name(std::vector<T> items, F&& twice) {
  std::vector<NamedPlace> names;
  names.reserve(items.size());
  bool in_order = true;
  for (std::size_t i = 0; i < items.size(); ++i) {
    names.emplace_back(items[i].name, i);
    in_order = in_order && (i == 0 || names[i - 1].first < names[i].first);
  }
  if (in_order) return items;
  if (const NamedPlace* name = sort_names(names)) twice(name->first);
  std::vector<T> sorted;
  sorted.reserve(items.size());
  for (const NamedPlace& n : names) sorted.push_back(std::move(items[n.second]));
  return sorted;
}

}  // namespace ligase::inline LIGASE_ISA::detail
