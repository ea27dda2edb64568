#include <ligase/data/loader.hpp>

#include <doctest/doctest.h>
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using ligase::Index;
using ligase::Loader;

void pause(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

}  // namespace

TEST_CASE("items come in order, also from several threads of which some are slow") {
  const auto make = [](Index k) {
    if (k % 3 == 0) pause(5);
    return std::to_string(k);
  };
  for (const int threads : {1, 2, 5})
    for (const Index queue : {1, 2, 8}) {
      CAPTURE(threads);
      CAPTURE(queue);
      Loader loader(make, 7, 40, {.threads = threads, .queue = queue});
      for (Index k = 7; k < 40; ++k) CHECK(loader.next() == std::to_string(k));
      CHECK_FALSE(loader.next().has_value());
      CHECK_FALSE(loader.next().has_value());
    }
}

TEST_CASE("never more than the queue is made ahead of the consumer") {
  std::atomic<Index> made{0};
  Loader loader([&](Index k) { return ++made, k; }, 0, Index{100}, {.threads = 3, .queue = 4});
  pause(50);
  CHECK(made == 4);
  for (Index k = 0; k < 10; ++k) CHECK(loader.next() == k);
  pause(50);
  CHECK(made == 14);
}

TEST_CASE("an exception reaches the consumer in its place, items before it arrive") {
  const auto make = [](Index k) {
    if (k == 5) throw std::runtime_error("item 5 is broken");
    if (k < 5) pause(2);
    return k;
  };
  for (const int threads : {1, 4}) {
    CAPTURE(threads);
    Loader loader(make, 0, 100, {.threads = threads, .queue = 3});
    for (Index k = 0; k < 5; ++k) CHECK(loader.next() == k);
    CHECK_THROWS_WITH_AS(loader.next(), "item 5 is broken", std::runtime_error);
    CHECK_FALSE(loader.next().has_value());
  }
}

TEST_CASE("a loader goes away without being used up, also with an exception nobody asked for") {
  std::atomic<Index> made{0};
  for (int round = 0; round < 20; ++round) {
    Loader loader([&](Index k) { return ++made, k; }, 0);
    if (round % 2 == 0) CHECK(loader.next() == 0);
  }
  CHECK(made <= 20 * 6);
  {
    const Loader loader([](Index) -> int { throw std::runtime_error("unseen"); }, 0);
    pause(5);
  }
}

TEST_CASE("an empty range, and items that can only be moved") {
  Loader empty([](Index k) { return k; }, 3, 3);
  CHECK_FALSE(empty.next().has_value());
  Loader loader([](Index k) { return std::make_unique<Index>(k); }, 0, 3);
  for (Index k = 0; k < 3; ++k) CHECK(**loader.next() == k);
  CHECK_FALSE(loader.next().has_value());
}
