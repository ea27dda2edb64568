#include <ligase/ops/cuda/add_norm.cuh>
#include <ligase/ops/cuda/copies.cuh>
#include <ligase/ops/cuda/elementwise.cuh>

#include <doctest/doctest.h>

#include "twins.hpp"

using namespace ligase_test;
namespace generic = ligase::generic;
namespace ops = ligase::ops;

namespace {

struct Case {
  Index rows, width;
  bool rms;
  Index shift;
};

/// Everything that a norm gives, forward and backward, of the device and of its twin.
template <class T>
void check_norm(const Case& c) {
  CAPTURE(c.rows);
  CAPTURE(c.width);
  CAPTURE(c.rms);
  CAPTURE(c.shift);
  using W = wide_t<T>;
  const Shape shape{1, c.rows, c.width};
  const auto x = random_tensor<T>(shape, 1), dy = random_tensor<T>(shape, 2);
  const auto weight = random_tensor<W>({c.width}, 3, 0.5, 1.5), bias = random_tensor<W>({c.width}, 4);
  Context<> host;
  Context<Cuda> device;
  const auto run = [&](auto& context, const auto& a, const auto& g, const auto& w, const auto& b, auto dweight,
                       auto dbias) {
    using D = typename std::remove_cvref_t<decltype(a)>::DeviceType;
    ops::NormStatistics<T, D> kept;
    auto y = c.rms ? ops::rms_norm(context, a, w, 1e-5, &kept) : ops::layer_norm(context, a, w, b, 1e-5, &kept);
    auto dx = c.rms ? ops::rms_norm_backward(context, g, a, w, kept, dweight)
                    : ops::layer_norm_backward(context, g, a, w, kept, dweight, dbias);
    return std::tuple(y, dx, dweight, dbias, kept.inverse);
  };
  const auto before = random_tensor<W>({c.width}, 5);
  const auto twin = run(host, x, dy, weight, bias, before.clone(), before.clone());
  const auto mine = run(device, on_device(x, c.shift), on_device(dy, c.shift), on_device(weight, c.shift),
                        on_device(bias), on_device(before, c.shift), on_device(before));
  CHECK(distance(std::get<0>(mine), std::get<0>(twin)) < bound<T>);
  // With one channel, of LayerNorm two, everything cancels: what is left is rounding.
  if (c.width > (c.rms ? 1 : 2)) CHECK(distance(std::get<1>(mine), std::get<1>(twin)) < bound<T>);
  CHECK(distance(std::get<2>(mine), std::get<2>(twin)) < sum_bound<T>);
  CHECK(distance(std::get<3>(mine), std::get<3>(twin)) < sum_bound<T>);
  CHECK(distance(std::get<4>(mine), std::get<4>(twin)) < (c.width > 1 || c.rms ? sum_bound<T> : 1e30));
}

template <class T>
void check_norms() {
  for (const bool rms : {true, false}) {
    for (const Index width : {1, 2, 31, 33, 118, 128, 256, 300, 512, 513, 1000}) check_norm<T>({37, width, rms, 0});
    check_norm<T>({3, 5000, rms, 0});
    check_norm<T>({1, 118, rms, 0});
    check_norm<T>({1, 1, rms, 0});
    check_norm<T>({300, 16, rms, 0});
    for (const Index shift : {1, 2}) check_norm<T>({9, 256, rms, shift});
  }
}

}  // namespace

TEST_CASE("norms agree with their twins: float") { check_norms<float>(); }
TEST_CASE("norms agree with their twins: double") { check_norms<double>(); }
TEST_CASE("norms agree with their twins: bfloat16") { check_norms<bfloat16>(); }

TEST_CASE("bits of a norm depend on the row alone, and not on its address") {
  const auto check = [](auto zero) {
    using T = decltype(zero);
    for (const Index width : {31, 118, 256, 700}) {
      CAPTURE(width);
      const auto x = random_tensor<T>({50, width}, 1);
      const auto weight = on_device(random_tensor<wide_t<T>>({width}, 2));
      Context<Cuda> context;
      const auto all = to_host(ops::rms_norm(context, on_device(x), weight, 1e-5));
      for (const Index row : {0, 1, 8, 49}) {
        const auto alone = ops::rms_norm(context, on_device(x.slice(row, row + 1)), weight, 1e-5);
        CHECK(equal(to_host(alone), all.slice(row, row + 1)));
      }
      CHECK(equal(to_host(ops::rms_norm(context, on_device(x, 1), weight, 1e-5)), all));
    }
  };
  check(0.0f);
  check(bfloat16(0.0f));
}

namespace {

/// The residual's sum and its norm in one operation against the plain operations.
template <class T>
void check_add_norm(Index batch, Index length, Index width, bool rms, bool exchange, bool has_residual,
                    bool has_gradient) {
  CAPTURE(width);
  CAPTURE(rms);
  CAPTURE(exchange);
  CAPTURE(has_residual);
  CAPTURE(has_gradient);
  using W = wide_t<T>;
  const Shape shape{2 * batch, length, width};
  const auto a = random_tensor<T>(shape, 1), b = has_residual ? random_tensor<T>(shape, 2) : Cpu<T>();
  const auto dy = random_tensor<T>(shape, 3), dsum = has_gradient ? random_tensor<T>(shape, 4) : Cpu<T>();
  const auto weight = random_tensor<W>({width}, 5, 0.5, 1.5);
  const auto bias = rms ? Cpu<W>() : random_tensor<W>({width}, 6);
  Context<> host;
  Context<Cuda> device;
  const auto run = [&](auto& context, auto move) {
    using D = typename decltype(move(a))::DeviceType;
    ops::AddNormSaved<T, D> saved;
    auto result = ops::add_norm(context, move(a), move(b), exchange, move(weight), move(bias), 1e-5, rms, &saved);
    auto dweight = move(Cpu<W>::zeros({width})), dbias = rms ? decltype(dweight){} : move(Cpu<W>::zeros({width}));
    auto dx = ops::add_norm_backward(context, move(dy), move(dsum), saved, move(weight), exchange, dweight, dbias);
    return std::tuple(result.y, result.sum, dx, dweight, dbias);
  };
  const auto twin = run(host, [](const auto& x) { return x; });
  const auto mine = run(device, [](const auto& x) { return on_device(x); });
  CHECK(equal(to_host(std::get<1>(mine)), std::get<1>(twin)));
  CHECK(distance(std::get<0>(mine), std::get<0>(twin)) < bound<T>);
  // In 16 bits the twin rounds before it adds the second gradient as well.
  CHECK(distance(std::get<2>(mine), std::get<2>(twin)) < (std::is_same_v<T, bfloat16> ? 4e-3 : bound<T>));
  CHECK(distance(std::get<3>(mine), std::get<3>(twin)) < sum_bound<T>);
  if (!rms) CHECK(distance(std::get<4>(mine), std::get<4>(twin)) < sum_bound<T>);

  // The same bits as the device's own operations one after the other.
  Gpu<T> sum = on_device(a);
  if (has_residual) sum = ops::add(device, sum, on_device(b));
  if (exchange) sum = ops::exchange_strands(device, sum);
  const auto y = rms ? ops::rms_norm(device, sum, on_device(weight), 1e-5)
                     : ops::layer_norm(device, sum, on_device(weight), on_device(bias), 1e-5);
  CHECK(equal(to_host(y), to_host(std::get<0>(mine))));
}

}  // namespace

TEST_CASE("add and norm in one operation") {
  for (const bool exchange : {false, true})
    for (const bool rms : {true, false}) {
      for (const bool residual : {false, true})
        for (const bool gradient : {false, true}) check_add_norm<float>(2, 5, 118, rms, exchange, residual, gradient);
      for (const Index width : {1, 3, 31, 256, 514, 1001}) {
        if (width > 1) check_add_norm<double>(1, 7, width, rms, exchange, true, true);
        check_add_norm<bfloat16>(1, 7, width + 1, rms, exchange, true, true);
      }
      check_add_norm<bfloat16>(3, 11, 118, rms, exchange, true, true);
    }
}

TEST_CASE("gradients of a norm's weight: same bits in whatever order blocks run") {
  for (const Index width : {118, 600}) {
    const auto x = on_device(random_tensor<float>({301, width}, 1)),
               dy = on_device(random_tensor<float>({301, width}, 2));
    const auto weight = on_device(random_tensor<float>({width}, 3));
    CHECK(same_in_every_order([&] {
      Context<Cuda> context;
      ops::NormStatistics<float, Cuda> kept;
      auto dweight = Gpu<float>::zeros({width});
      const auto y = ops::rms_norm(context, x, weight, 1e-5, &kept);
      const auto dx = ops::rms_norm_backward(context, dy, x, weight, kept, dweight);
      return bytes_of(y) + bytes_of(dx) + bytes_of(dweight);
    }));
  }
}
