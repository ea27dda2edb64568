#pragma once

#include <ligase/core/error.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// What is wrong between the tensors of a file and those of a model.
struct WeightsMismatch {
  std::vector<std::string> missing;     ///< names of the model
  std::vector<std::string> unexpected;  ///< names of the file
  std::vector<std::string> misshaped;   ///< with both shapes
  std::vector<std::string> differing;   ///< with both names
  std::vector<std::string> not_finite;  ///< names of the model

  bool empty() const {
    return missing.empty() && unexpected.empty() && misshaped.empty() && differing.empty() && not_finite.empty();
  }
};

namespace detail {

/// Levenshtein distance, or `limit` where it is not below. O(|a| |b|).
inline std::size_t name_distance(std::string_view a, std::string_view b, std::size_t limit) {
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) >= limit) return limit;
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t exchanged = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({exchanged, row[j - 1] + 1, row[j] + 1});
    }
  }
  return std::min(row.back(), limit);
}

/// The one of `names` that differs least from `name`, in less than half of its letters; empty where there is none. Long names
/// and long lists are not searched: they may come from a hostile file.
inline std::string nearest_name(const std::string& name, const std::vector<std::string>& names) {
  constexpr std::size_t longest = 200, most = 2000;
  std::string nearest;
  if (name.size() > longest) return nearest;
  std::size_t best = name.size() / 2 + 1;
  for (std::size_t i = 0; i < names.size() && i < most; ++i) {
    if (names[i].size() > longest) continue;
    const std::size_t distance = name_distance(name, names[i], best);
    if (distance < best) {
      best = distance;
      nearest = names[i];
    }
  }
  return nearest;
}

}  // namespace detail

/// Throws one error of kind `input` that lists what is missing, unexpected, misshaped, contradicting and no number, a dozen of
/// each, and beside a name that is missing the nearest one that the file has too many.
[[noreturn]] inline void throw_mismatch(const WeightsMismatch& m, const std::string& where) {
  constexpr std::size_t shown = 12, longest = 160;
  std::string text;
  const auto list = [&](const char* what, const std::vector<std::string>& names, bool with_nearest) {
    if (names.empty()) return;
    text += (text.empty() ? "" : "; ") + std::string(what) + ": ";
    for (std::size_t i = 0; i < names.size() && i < shown; ++i) {
      text += (i > 0 ? ", " : "") + (names[i].size() > longest ? names[i].substr(0, longest) + "..." : names[i]);
      const std::string nearest = with_nearest ? detail::nearest_name(names[i], m.unexpected) : "";
      if (!nearest.empty()) text += " (the file has " + nearest + ")";
    }
    if (names.size() > shown) text += " and " + std::to_string(names.size() - shown) + " more";
  };
  list("missing tensors", m.missing, true);
  list("unexpected tensors", m.unexpected, false);
  list("tensors of another shape", m.misshaped, false);
  list("tied tensors or maps that differ", m.differing, false);
  list("tensors with NaN or infinity", m.not_finite, false);
  throw Error{{.kind = ErrorKind::input, .what = "the weights do not fit the model: " + text, .where = where}};
}

}  // namespace ligase::inline LIGASE_ISA
