#include <ligase/core/tensor.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

using ligase::Error;
using ligase::Index;
using ligase::Shape;
using ligase::Tensor;

namespace {
const std::vector<float> six{1, 2, 3, 4, 5, 6};
}

TEST_CASE("an empty tensor has no elements") {
  const Tensor<float> t;
  CHECK(t.empty());
  CHECK(t.count() == 0);
}

TEST_CASE("elements are aligned and start as asked") {
  const auto zeros = Tensor<double>::zeros({3, 5});
  CHECK(reinterpret_cast<std::uintptr_t>(zeros.data()) % 64 == 0);
  CHECK(std::all_of(zeros.span().begin(), zeros.span().end(), [](double x) { return x == 0; }));
  const auto t = Tensor<float>::from({2, 3}, six);
  CHECK(t.size(0) == 2);
  CHECK(t.size(-1) == 3);
  CHECK(t.data()[5] == 6);
  CHECK_THROWS_WITH_AS(Tensor<float>::from({2, 4}, six), "number of values does not fit the shape [2, 4]; found 6",
                       Error);
}

TEST_CASE("copies, slices and reshapes share elements; clones do not") {
  auto t = Tensor<float>::from({3, 2}, six);
  auto copy = t;
  auto rows = t.slice(1, 3);
  auto flat = t.reshaped({6});
  const auto clone = t.clone();
  t.data()[2] = 30;
  CHECK(copy.data()[2] == 30);
  CHECK(rows.shape() == Shape{2, 2});
  CHECK(rows.data()[0] == 30);
  CHECK(flat.data()[2] == 30);
  CHECK(clone.data()[2] == 3);
  CHECK(rows.slice(1, 2).data()[1] == 6);
  CHECK(t.slice(1, 1).count() == 0);
}

TEST_CASE("slices and reshapes that do not fit are refused") {
  const auto t = Tensor<float>::from({3, 2}, six);
  CHECK_THROWS_WITH_AS(t.slice(1, 4), "slice 1..4 outside [3, 2]", Error);
  CHECK_THROWS_AS(t.slice(2, 1), Error);
  CHECK_THROWS_AS(t.slice(-1, 1), Error);
  CHECK_THROWS_WITH_AS(t.reshaped({4}), "cannot reshape [3, 2] to [4]", Error);
  CHECK_THROWS_AS(Tensor<double>({Index{1} << 62}), Error);
}

TEST_CASE("a slice keeps the elements alive") {
  auto rows = Tensor<float>::from({3, 2}, six).slice(2, 3);
  CHECK(rows.data()[0] == 5);
}

TEST_CASE("memory is counted per device; meta holds shapes only") {
  auto& counter = ligase::memory_counter<ligase::meta>();
  const Index before = counter.live.load();
  counter.reset_peak();
  {
    const Tensor<double, ligase::meta> t({Index{1} << 40, 8});
    CHECK(t.data() == nullptr);
    CHECK(t.count() == Index{1} << 43);
    CHECK(counter.live.load() - before == Index{1} << 46);
    const auto shared = t;
    CHECK(counter.live.load() - before == Index{1} << 46);
    CHECK(t.slice(0, 2).shape() == Shape{2, 8});
  }
  CHECK(counter.live.load() == before);
  CHECK(counter.peak.load() - before == Index{1} << 46);

  auto& host = ligase::memory_counter<ligase::cpu>();
  const Index live = host.live.load();
  {
    const Tensor<float> t({10});
    CHECK(host.live.load() - live == 40);
  }
  CHECK(host.live.load() == live);
}
