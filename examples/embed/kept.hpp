#pragma once

#include <ligase/seq/tokenizer/tokenizer.hpp>
#include <ligase/tasks/windows.hpp>

#include <algorithm>
#include <vector>

namespace embed {

using ligase::Index;

/// Tokens [begin, end) of a window whose first letter it keeps. Spans count from the window's begin.
struct KeptTokens {
  Index begin = 0, end = 0;

  KeptTokens(const std::vector<ligase::Span>& spans, const ligase::TextWindow& window) {
    const auto first_from = [&](Index letter) {
      return std::lower_bound(spans.begin(), spans.end(), letter - window.begin,
                              [](const ligase::Span& s, Index l) { return s.begin < l; }) -
             spans.begin();
    };
    begin = first_from(window.keep_begin);
    end = first_from(window.keep_end);
  }
};

}  // namespace embed
