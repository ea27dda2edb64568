#pragma once

#include <ligase/core/bfloat16.hpp>
#include <ligase/core/context.hpp>
#include <ligase/core/cuda/memory.cuh>
#include <ligase/core/tensor.hpp>
#include <support/tensors.hpp>

#include <simt/control.hpp>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

/// An operation of the device `cuda` beside its simple twin on the host.
namespace ligase_test {

using ligase::bfloat16;
using ligase::Context;
using ligase::Index;
using ligase::Shape;
using ligase::wide_t;
using Cuda = ligase::device::cuda;
template <class T>
using Gpu = ligase::Tensor<T, Cuda>;

template <class T>
Cpu<T> random_tensor(Shape shape, std::uint64_t place, double low = -1.5, double high = 1.5) {
  Cpu<T> x(shape);
  const ligase::RandomStream stream{3, 0, place};
  for (Index i = 0; i < x.count(); ++i)
    x.data()[i] = static_cast<T>(low + (high - low) * stream.uniform(static_cast<std::uint64_t>(i)));
  return x;
}
inline Cpu<std::int32_t> random_ids(Shape shape, std::uint64_t place, Index below) {
  Cpu<std::int32_t> x(shape);
  const ligase::RandomStream stream{3, 0, place};
  for (Index i = 0; i < x.count(); ++i)
    x.data()[i] =
        static_cast<std::int32_t>(stream.below(static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(below)));
  return x;
}

/// The elements on the device, `shift` elements behind an address that every access is fine with.
template <class T>
Gpu<T> on_device(const Cpu<T>& x, Index shift = 0) {
  if (x.empty()) return {};
  Gpu<T> y = Gpu<T>({x.count() + shift}).slice(shift, x.count() + shift).reshaped(x.shape());
  y.assign(x.span());
  return y;
}

/// Relative distance in the L2 norm, infinite where one is NaN.
template <class T>
double distance(const Cpu<T>& a, const Cpu<T>& b) {
  if (!(a.shape() == b.shape())) return std::numeric_limits<double>::infinity();
  double difference = 0, size = 0;
  for (Index i = 0; i < a.count(); ++i) {
    const auto x = static_cast<double>(static_cast<wide_t<T>>(a.data()[i])),
               y = static_cast<double>(static_cast<wide_t<T>>(b.data()[i]));
    difference += (x - y) * (x - y);
    size += y * y;
  }
  const double d = std::sqrt(difference / (size > 0 ? size : 1));
  return std::isnan(d) ? std::numeric_limits<double>::infinity() : d;
}
template <class T>
double distance(const Gpu<T>& a, const Cpu<T>& b) {
  return distance(to_host(a), b);
}

/// How far sums of another order may be away: some units in the last place of the type of sums, and of bfloat16 for results
/// that are rounded to it (2^-9 at most, one in several hundred falls on the other side).
template <class T>
constexpr double sum_bound = std::is_same_v<wide_t<T>, double> ? 1e-13 : 2e-6;
template <class T>
constexpr double bound = std::is_same_v<T, bfloat16> ? 1e-3 : sum_bound<T>;

template <class T>
std::string bytes_of(const Gpu<T>& x) {
  const Cpu<T> host = to_host(x);
  return {reinterpret_cast<const char*>(host.data()), static_cast<std::size_t>(host.count()) * sizeof(T)};
}

/// f() gives the same bytes in whatever order threads and blocks run.
template <class F>
bool same_in_every_order(F f) {
  const std::string forward = f();
  simt::set_order(simt::Order::reverse);
  const bool reverse = f() == forward;
  simt::set_order(simt::Order::shuffled, 5);
  const bool shuffled = f() == forward;
  simt::set_order(simt::Order::forward);
  return reverse && shuffled;
}

}  // namespace ligase_test
