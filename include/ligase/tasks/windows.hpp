#pragma once

#include <ligase/core/error.hpp>

#include <algorithm>
#include <string>

namespace ligase::inline LIGASE_ISA {

/// Letters [begin, end) of a sequence that go through a model together; the results for [keep_begin, keep_end) count.
struct TextWindow {
  Index begin = 0, end = 0, keep_begin = 0, keep_end = 0;
  friend bool operator==(const TextWindow&, const TextWindow&) = default;
};

/// How a sequence is cut that is longer than one pass. Up to `window` letters go through the model at once. A longer sequence
/// is read in windows of exactly `window` letters that begin every window - left - right letters; the last one ends with the
/// sequence. Of each window the letters count that have `left` letters of context in front of them and `right` behind, the
/// ends of the sequence excepted, where the context is what there is. Every letter counts in one window.
class WindowRule {
 public:
  /// Throws kind `usage` unless 0 <= left, 0 <= right and left + right < window.
  WindowRule(Index window, Index left, Index right) : window_(window), left_(left), right_(right) {
    if (left < 0 || right < 0 || left >= window || right >= window - left)
      throw Error{{.kind = ErrorKind::usage,
                   .what = "the overlaps leave nothing of a window",
                   .where = "window rule",
                   .expected = "less than " + std::to_string(window) + " letters together",
                   .found = std::to_string(left) + " and " + std::to_string(right)}};
  }

  Index window() const { return window_; }
  Index count(Index length) const {
    return length <= window_ ? 1 : (length - window_ + step() - 1) / step() + 1;
  }
  /// Window i of 0 .. count - 1 of a sequence of that many letters.
  TextWindow operator()(Index length, Index i) const {
    const bool last = i + 1 == count(length);
    const Index begin = last ? std::max<Index>(0, length - window_) : i * step();
    return {begin, last ? length : begin + window_, i == 0 ? 0 : i * step() + left_,
            last ? length : (i + 1) * step() + left_};
  }
  /// Letters that go through the model for a sequence of that many.
  Index letters_read(Index length) const {
    return length <= window_ ? length : count(length) * window_;
  }

 private:
  Index step() const { return window_ - left_ - right_; }

  Index window_, left_, right_;
};

}  // namespace ligase::inline LIGASE_ISA
