#pragma once

#include <ligase/core/error.hpp>
#include <ligase/data/task.hpp>

#include <algorithm>
#include <charconv>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// Where a row of a classification set stands, for messages: "file:line", made only when it is needed.
struct RowPlace {
  const std::string* file;
  Index line;

  std::string text() const { return line > 0 ? *file + ":" + std::to_string(line) : *file; }
};

namespace detail {

[[noreturn]] inline void refuse_row(const RowPlace& place, std::string what, std::string expected, std::string found) {
  throw Error{{.kind = ErrorKind::input,
               .what = std::move(what),
               .where = place.text(),
               .expected = std::move(expected),
               .found = std::move(found)}};
}

/// A piece of a file as a message shows it: at most 40 bytes, control bytes as '?'.
inline std::string show_text(std::string_view text) {
  std::string shown(text.substr(0, 40));
  for (char& c : shown)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  return "'" + shown + (text.size() > 40 ? "...'" : "'");
}

}  // namespace detail

/// The letters in upper case. Nothing, or a byte that is no letter, is an error at `place`.
inline std::string checked_letters(std::string_view text, const RowPlace& place) {
  if (text.empty()) detail::refuse_row(place, "empty sequence", "at least one letter", "none");
  std::string letters(text);
  bool all = true;
  for (char& c : letters) {
    c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    all = all && c >= 'A' && c <= 'Z';
  }
  if (all) return letters;
  const auto wrong = std::find_if_not(letters.begin(), letters.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  const auto at = static_cast<std::size_t>(wrong - letters.begin());
  detail::refuse_row(place, "byte that is no letter in a sequence", "letters (A, C, G, T, N or other IUPAC codes)",
                     detail::show_text(text.substr(at, 1)) + " at position " + std::to_string(at + 1));
}

/// A class number: decimal digits, below 2^31.
inline Index checked_label(std::string_view text, const RowPlace& place) {
  std::int32_t label = -1;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), label);
  if (code != std::errc{} || end != text.data() + text.size() || label < 0)
    detail::refuse_row(place, "label is not a class number", "0, 1, 2, ...", detail::show_text(text));
  return label;
}

/// Collects the rows of one split and remembers where each class number was met first.
class SplitBuilder {
 public:
  explicit SplitBuilder(std::string file) : file_(std::move(file)) {}

  void add(std::string_view sequence, std::string_view label, Index line) {
    const RowPlace place{&file_, line};
    const Index number = checked_label(label, place);
    add(checked_letters(sequence, place), number, line);
  }
  void add(std::string letters, Index label, Index line) {
    if (labels_.insert(label).second) first_.push_back({label, line});
    split_.rows.push_back({std::move(letters), label});
  }

  const std::string& file() const { return file_; }
  const std::set<Index>& labels() const { return labels_; }
  bool empty() const { return split_.rows.empty(); }

  /// Throws unless every label is one of the `classes` of train; names the first row of the first that is not.
  void check_known(Index classes) const {
    for (const auto& [label, line] : first_)
      if (label >= classes)
        detail::refuse_row({&file_, line}, "unknown label; this class is missing in train",
                           "0 to " + std::to_string(classes - 1), std::to_string(label));
  }
  TaskSplit take() { return std::move(split_); }

 private:
  std::string file_;
  TaskSplit split_;
  std::set<Index> labels_;
  std::vector<std::pair<Index, Index>> first_;
};

/// The number of classes of a training split whose labels are numbers: they have to be 0 .. n-1, n at least 2.
inline Index count_classes(const SplitBuilder& train) {
  const std::string& file = train.file();
  const RowPlace place{&file, 0};
  if (train.empty()) detail::refuse_row(place, "training set without rows", "at least one row for each class", "none");
  Index next = 0;
  for (const Index label : train.labels()) {
    if (label != next)
      detail::refuse_row(place, "class " + std::to_string(next) + " is missing in train",
                         "rows with each label from 0 to " + std::to_string(*train.labels().rbegin()), "none");
    ++next;
  }
  if (next < 2) detail::refuse_row(place, "training set with a single class", "at least two classes", "label 0 only");
  return next;
}

}  // namespace ligase::inline LIGASE_ISA
