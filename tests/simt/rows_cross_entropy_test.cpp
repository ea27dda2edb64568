#include <ligase/ops/cuda/cross_entropy.cuh>

#include <doctest/doctest.h>

#include "twins.hpp"

using namespace ligase_test;
namespace device = ligase::device;
namespace generic = ligase::generic;

namespace {

constexpr Index ignored = -100;

Cpu<std::int32_t> random_labels(Index rows, Index width) {
  auto labels = random_ids({rows}, 2, width);
  const auto coin = random_ids({rows}, 3, 3);
  for (Index i = 0; i < rows; ++i)
    if (coin.data()[i] == 0) labels.data()[i] = ignored;
  return labels;
}

template <class T>
void check_loss(Index rows, Index width, bool weighted, Index shift = 0) {
  CAPTURE(rows);
  CAPTURE(width);
  CAPTURE(weighted);
  using W = wide_t<T>;
  Context<> host;
  Context<Cuda> context;
  const auto x = random_tensor<T>({rows, width}, 1, -8, 8);
  const auto labels = random_labels(rows, width);
  const auto weights = weighted ? random_tensor<W>({rows}, 4, 0, 2) : Cpu<W>();
  Cpu<double> twin({3}), hits({2});
  generic::cross_entropy_forward(host, x, labels, ignored, weights, twin);
  generic::accuracy_forward(host, x, labels, ignored, hits);
  Gpu<double> mine({3}), found({2});
  const auto on = on_device(x, shift);
  device::cross_entropy_forward(context, on, on_device(labels), ignored, on_device(weights), mine);
  device::accuracy_forward(context, on, on_device(labels), ignored, found);
  CHECK(distance(mine, twin) < sum_bound<T>);
  CHECK(to_host(mine).data()[2] == twin.data()[2]);
  CHECK(equal(to_host(found), hits));

  Cpu<T> dx(x.shape());
  generic::cross_entropy_backward(host, twin, x, labels, ignored, weights, 0.7, dx);
  Gpu<T> dz = on_device(dx, shift);
  dz.set_zero();
  device::cross_entropy_backward(context, on_device(twin), on, on_device(labels), ignored, on_device(weights), 0.7, dz);
  CHECK(distance(dz, dx) < bound<T>);
}

}  // namespace

TEST_CASE("cross-entropy agrees with its twin") {
  for (const Index width : {1, 2, 5, 16, 31, 33, 64, 65, 118, 1000})
    for (const bool weighted : {false, true}) {
      check_loss<float>(300, width, weighted);
      check_loss<double>(77, width, weighted);
      check_loss<bfloat16>(77, width, weighted);
    }
  check_loss<float>(1, 16, false);
  check_loss<float>(7, 5000, false);
  check_loss<bfloat16>(9, 4096, true);
  for (const Index shift : {1, 2, 3}) check_loss<float>(40, 16, false, shift);
}

TEST_CASE("logits that are no numbers") {
  Context<> host;
  Context<Cuda> context;
  const float nan = std::nanf(""), infinite = std::numeric_limits<float>::infinity();
  for (const Index width : {5, 70})
    for (const float bad : {nan, infinite, -infinite})
      for (const Index at : {Index{0}, Index{3}, width - 1}) {
        CAPTURE(width);
        CAPTURE(bad);
        CAPTURE(at);
        auto x = random_tensor<float>({3, width}, 1);
        x.data()[width + at] = bad;
        const auto labels = Cpu<std::int32_t>::from({3}, std::vector<std::int32_t>{0, 1, 2});
        Cpu<double> twin({3}), hits({2});
        generic::cross_entropy_forward(host, x, labels, ignored, Cpu<float>(), twin);
        generic::accuracy_forward(host, x, labels, ignored, hits);
        Gpu<double> mine({3}), found({2});
        device::cross_entropy_forward(context, on_device(x), on_device(labels), ignored, Gpu<float>(), mine);
        device::accuracy_forward(context, on_device(x), on_device(labels), ignored, found);
        const double loss = to_host(mine).data()[0];
        CHECK(std::isfinite(loss) == std::isfinite(twin.data()[0]));
        if (std::isfinite(loss)) CHECK(loss == doctest::Approx(twin.data()[0]).epsilon(1e-6));
        CHECK(equal(to_host(found), hits));
      }
}

TEST_CASE("no target: sums and gradients are zero") {
  Context<Cuda> context;
  const auto x = on_device(random_tensor<float>({5, 16}, 1));
  const auto labels = on_device(Cpu<std::int32_t>::from({5}, std::vector<std::int32_t>(5, -100)));
  Gpu<double> sums({3});
  device::cross_entropy_forward(context, x, labels, ignored, Gpu<float>(), sums);
  CHECK(equal(to_host(sums), Cpu<double>::zeros({3})));
  Gpu<float> dx({5, 16});
  device::cross_entropy_backward(context, sums, x, labels, ignored, Gpu<float>(), 1, dx);
  CHECK(equal(to_host(dx), Cpu<float>::zeros({5, 16})));
}

TEST_CASE("cross-entropy: same bits in whatever order blocks and threads run") {
  for (const Index width : {16, 300}) {
    const auto x = on_device(random_tensor<float>({700, width}, 1));
    const auto labels = on_device(random_labels(700, width));
    CHECK(same_in_every_order([&] {
      Context<Cuda> context;
      Gpu<double> sums({3});
      Gpu<float> dx(x.shape());
      device::cross_entropy_forward(context, x, labels, ignored, Gpu<float>(), sums);
      device::cross_entropy_backward(context, sums, x, labels, ignored, Gpu<float>(), 1, dx);
      return bytes_of(sums) + bytes_of(dx);
    }));
  }
}
