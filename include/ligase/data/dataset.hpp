#pragma once

#include <ligase/core/error.hpp>

#include <concepts>
#include <string>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// What a batch is cut from: size() windows, operator[](i) gives the letters of window i. operator[] is const and may
/// be called from several threads at once.
template <class T>
concept Dataset = requires(const T& data, Index i) {
  { data.size() } -> std::convertible_to<Index>;
  { data[i] } -> std::convertible_to<std::string>;
};

/// Throws unless 0 <= i < size.
inline void check_window_number(Index i, Index size) {
  if (i < 0 || i >= size)
    throw Error{{.kind = ErrorKind::internal,
                 .what = "window number outside the data set",
                 .expected = "0 to " + std::to_string(size - 1),
                 .found = std::to_string(i)}};
}

/// Windows held in memory.
class SequenceDataset {
 public:
  explicit SequenceDataset(std::vector<std::string> windows) : windows_(std::move(windows)) {}

  Index size() const { return static_cast<Index>(windows_.size()); }
  std::string operator[](Index i) const {
    check_window_number(i, size());
    return windows_[static_cast<std::size_t>(i)];
  }

 private:
  std::vector<std::string> windows_;
};

}  // namespace ligase::inline LIGASE_ISA
