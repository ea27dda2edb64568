#include <doctest/doctest.h>

#include <ligase/tasks/windows.hpp>

#include <support/errors.hpp>

#include <algorithm>
#include <array>

using namespace ligase;

TEST_CASE("windows keep every letter once and give it its context") {
  for (const auto& [window, left, right] : {std::array<Index, 3>{8, 2, 2}, {8, 0, 0}, {8, 3, 0}, {9, 4, 4}, {100, 10, 10}})
    for (Index length = 1; length < 250; ++length) {
      const WindowRule rule(window, left, right);
      Index next = 0, read = 0;
      for (Index i = 0; i < rule.count(length); ++i) {
        const TextWindow w = rule(length, i);
        REQUIRE(w.keep_begin == next);
        REQUIRE(w.keep_end > w.keep_begin);
        REQUIRE((w.begin >= 0 && w.begin <= w.keep_begin && w.keep_end <= w.end && w.end <= length));
        REQUIRE(w.end - w.begin == std::min(window, length));
        REQUIRE((w.begin == 0 || w.keep_begin - w.begin >= left));
        REQUIRE((w.end == length || w.end - w.keep_end >= right));
        next = w.keep_end;
        read += w.end - w.begin;
      }
      REQUIRE(next == length);
      REQUIRE(rule.letters_read(length) == read);
    }
}

TEST_CASE("windows by hand") {
  const WindowRule rule(10, 2, 3);
  CHECK(rule.count(10) == 1);
  CHECK(rule(10, 0) == TextWindow{0, 10, 0, 10});
  CHECK(rule.count(11) == 2);
  CHECK(rule(11, 0) == TextWindow{0, 10, 0, 7});
  CHECK(rule(11, 1) == TextWindow{1, 11, 7, 11});
  CHECK(rule.count(21) == 4);
  CHECK(rule(21, 1) == TextWindow{5, 15, 7, 12});
  CHECK(rule(21, 3) == TextWindow{11, 21, 17, 21});
  CHECK(std::string(ligase_test::error_of([] { WindowRule(10, 5, 5); }).what()) ==
        "window rule: the overlaps leave nothing of a window; expected less than 10 letters together, found 5 and 5");
  CHECK_THROWS_AS(WindowRule(10, -1, 0), Error);
  CHECK_THROWS_AS(WindowRule(10, 10, 0), Error);
}
