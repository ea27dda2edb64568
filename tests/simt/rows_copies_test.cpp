#include <ligase/ops/cuda/copies.cuh>
#include <ligase/ops/cuda/elementwise.cuh>
#include <ligase/ops/cuda/pooling.cuh>

#include <doctest/doctest.h>

#include "twins.hpp"

using namespace ligase_test;
namespace device = ligase::device;
namespace generic = ligase::generic;
namespace ops = ligase::ops;

namespace {

template <class T>
void check_copies(Index batch, Index length, Index width, Index shift) {
  CAPTURE(batch);
  CAPTURE(length);
  CAPTURE(width);
  CAPTURE(shift);
  Context<> host;
  Context<Cuda> context;
  const auto x = random_tensor<T>({2 * batch, length, width}, 1), y = random_tensor<T>({2 * batch, length, 5}, 2);
  const auto on = on_device(x, shift);
  for (const bool time : {false, true})
    for (const bool channels : {false, true})
      CHECK(equal(to_host(ops::reverse(context, on, time, channels)), ops::reverse(host, x, time, channels)));
  CHECK(equal(to_host(ops::exchange_strands(context, on)), ops::exchange_strands(host, x)));
  const auto joined = ops::halves_to_channels(host, x);
  CHECK(equal(to_host(ops::halves_to_channels(context, on)), joined));
  CHECK(equal(to_host(ops::channels_to_halves(context, on_device(joined, shift))), x));
  CHECK(equal(to_host(ops::concat(context, on, on_device(y))), ops::concat(host, x, y)));
  for (const Index at : {Index{0}, width / 3, width / 2, width}) {
    const auto [a, b] = ops::split(host, x, at);
    const auto [c, d] = ops::split(context, on, at);
    CHECK(equal(to_host(c), a));
    CHECK(equal(to_host(d), b));
  }
}

template <class T>
void check_elementwise(Index count, Index shift) {
  CAPTURE(count);
  CAPTURE(shift);
  Context<> host;
  Context<Cuda> context;
  const auto a = random_tensor<T>({count}, 1), b = random_tensor<T>({count}, 2);
  CHECK(equal(to_host(ops::add(context, on_device(a), on_device(b, shift))), ops::add(host, a, b)));
  CHECK(equal(to_host(ops::mul(context, on_device(a), on_device(b, shift))), ops::mul(host, a, b)));
  auto sum = on_device(a, shift);
  ops::accumulate(context, sum, on_device(b, shift));
  CHECK(equal(to_host(sum), ops::add(host, a, b)));
}

template <class T>
void check_pool(Index batch, Index length, Index width, bool masked) {
  CAPTURE(length);
  CAPTURE(width);
  CAPTURE(masked);
  Context<> host;
  Context<Cuda> context;
  const auto x = random_tensor<T>({batch, length, width}, 1), dy = random_tensor<T>({batch, width}, 2);
  auto mask = masked ? random_ids({batch, length}, 3, 3) : Cpu<std::int32_t>();
  if (masked)
    for (Index t = 0; t < length; ++t) mask.data()[t] = 0;  // a sequence of which nothing counts
  for (const auto pooling :
       {ligase::Pooling::mean, ligase::Pooling::max, ligase::Pooling::first, ligase::Pooling::last}) {
    ops::PoolingSaved<ligase::cpu> kept;
    ops::PoolingSaved<Cuda> saved;
    const auto twin = ops::pool(host, x, pooling, mask, &kept);
    CHECK(equal(to_host(ops::pool(context, on_device(x), pooling, on_device(mask), &saved)), twin));
    CHECK(equal(to_host(saved.choice), kept.choice));
    CHECK(equal(to_host(ops::pool_backward(context, on_device(dy), pooling, saved)),
                ops::pool_backward(host, dy, pooling, kept)));
  }
}

}  // namespace

TEST_CASE("what moves rows agrees with its twin") {
  for (const Index width : {1, 4, 31, 33, 118, 256}) {
    check_copies<float>(2, 7, width, 0);
    check_copies<bfloat16>(1, 5, width, 0);
    check_copies<double>(1, 3, width, 0);
  }
  check_copies<float>(1, 1, 1000, 0);
  check_copies<bfloat16>(1, 2, 5000, 0);
  for (const Index shift : {1, 2, 3}) {
    check_copies<float>(1, 3, 256, shift);
    check_copies<bfloat16>(1, 3, 256, shift);
  }
}

TEST_CASE("sums and products agree with their twins") {
  for (const Index count : {1, 3, 8, 255, 1024, 5001})
    for (const Index shift : {0, 1, 4}) {
      check_elementwise<float>(count, shift);
      check_elementwise<double>(count, shift);
      check_elementwise<bfloat16>(count, shift);
    }
}

TEST_CASE("poolings agree with their twins, bit by bit") {
  for (const bool masked : {false, true})
    for (const Index width : {1, 33, 118}) {
      check_pool<float>(3, 1, width, masked);
      check_pool<float>(2, 150, width, masked);
      check_pool<bfloat16>(2, 70, width, masked);
      check_pool<double>(2, 65, width, masked);
    }
}
