#include <simt/twins.hpp>

#include <ligase/core/cuda/memory.cuh>
#include <ligase/ops/conv1d.hpp>
#include <ligase/ops/cuda/conv1d.cuh>
#include <ligase/ops/cuda/gemm.cuh>
#include <ligase/ops/cuda/primitives.cuh>
#include <ligase/ops/cuda/scan.cuh>
#include <ligase/ops/scan.hpp>

#include <doctest/doctest.h>

using namespace ligase_test;
using ligase::Direction;
namespace kernels = ligase::kernels;
namespace scan_cuda = ligase::device::scan_cuda;

namespace {

struct ScanSize {
  Index batch, length, channels, states;
  bool full;
};

/// A tensor on the host and on the device.
template <class T>
struct Both {
  Cpu<T> host;
  Gpu<T> device;
  Both(Shape shape, std::uint64_t place, double low = -1, double high = 1)
      : host(random_tensor<T>(shape, place, low, high)), device(on_device(host)) {}
};

template <class T>
struct Problem {
  using W = wide_t<T>;
  Both<T> u, delta, bc, z, dy;
  Both<W> initial, dfinal, A, D, bias;
  ligase::ScanInput<T, ligase::cpu> in;
  ligase::ScanWeights<T, ligase::cpu> weights;
  ligase::ScanInput<T, Cuda> device_in;
  ligase::ScanWeights<T, Cuda> device_weights;

  explicit Problem(const ScanSize& s)
      : u({s.batch, s.length, s.channels}, 1),
        delta(u.host.shape(), 2, -2, 1),
        bc({s.batch, s.length, 2 * s.states}, 3),
        z(u.host.shape(), 4),
        dy(u.host.shape(), 5),
        initial({s.batch, s.channels, s.states}, 6),
        dfinal(initial.host.shape(), 7),
        A({s.channels, s.states}, 8, -3, -0.1),
        D({s.channels}, 9),
        bias({s.channels}, 10),
        in{u.host, delta.host, bc.host, {}, {}},
        weights{A.host, {}, {}, true},
        device_in{u.device, delta.device, bc.device, {}, {}},
        device_weights{A.device, {}, {}, true} {
    if (!s.full) return;
    in.z = z.host, in.initial_state = initial.host;
    weights.D = D.host, weights.delta_bias = bias.host;
    device_in.z = z.device, device_in.initial_state = initial.device;
    device_weights.D = D.device, device_weights.delta_bias = bias.device;
  }
};

template <Direction dir, class T>
void check_scan(const ScanSize& s, double bound) {
  using W = wide_t<T>;
  INFO("B ", s.batch, " L ", s.length, " E ", s.channels, " N ", s.states, s.full ? " full" : "");
  const Problem<T> p(s);
  Context<ligase::cpu> host;
  Context<Cuda> device;
  // The twin: generic functors on the host.
  Cpu<T> y(p.u.host.shape());
  Cpu<W> last(p.initial.host.shape());
  ligase::ScanSaved<T, ligase::cpu> kept{Cpu<W>(ligase::scan_detail::kept_shape(y.shape(), s.states))};
  ligase::generic::selective_scan_forward<dir>(host, p.in, p.weights, y, last, kept);
  ligase::ScanSaved<T, Cuda> device_kept;
  Gpu<W> device_last;
  const Gpu<T> device_y =
      ligase::ops::selective_scan<dir>(device, p.device_in, p.device_weights, &device_kept, &device_last);
  CHECK(distance(to_host(device_y), y) <= bound);
  CHECK(distance(to_host(device_last), last) <= bound);

  ligase::ScanGradients<T, ligase::cpu> g;
  g.u = g.delta = Cpu<T>(y.shape());
  g.delta = Cpu<T>(y.shape());
  g.bc = Cpu<T>(p.bc.host.shape());
  g.A = Cpu<W>::zeros(p.A.host.shape());
  ligase::ScanGradients<T, Cuda> device_g;
  device_g.A = Gpu<W>::zeros(p.A.host.shape());
  if (s.full) {
    g.z = Cpu<T>(y.shape());
    g.initial_state = Cpu<W>(last.shape());
    g.D = Cpu<W>::zeros({s.channels});
    g.delta_bias = Cpu<W>::zeros({s.channels});
    device_g.D = Gpu<W>::zeros({s.channels});
    device_g.delta_bias = Gpu<W>::zeros({s.channels});
  }
  ligase::generic::selective_scan_backward<dir>(host, p.dy.host, p.dfinal.host, p.in, p.weights, kept, g);
  ligase::ops::selective_scan_backward<dir>(device, p.dy.device, p.dfinal.device, p.device_in, p.device_weights,
                                            device_kept, device_g);
  CHECK(distance(to_host(device_g.u), g.u) <= bound);
  CHECK(distance(to_host(device_g.delta), g.delta) <= bound);
  CHECK(distance(to_host(device_g.bc), g.bc) <= bound);
  CHECK(distance(to_host(device_g.A), g.A) <= bound);
  if (!s.full) return;
  CHECK(distance(to_host(device_g.z), g.z) <= bound);
  CHECK(distance(to_host(device_g.initial_state), g.initial_state) <= bound);
  CHECK(distance(to_host(device_g.D), g.D) <= bound);
  CHECK(distance(to_host(device_g.delta_bias), g.delta_bias) <= bound);
}

template <Direction dir, class T>
void check_conv(Index batch, Index length, Index channels, Index taps, bool with_bias, double bound) {
  using W = wide_t<T>;
  INFO("B ", batch, " L ", length, " E ", channels, " K ", taps);
  const Both<T> x({batch, length, channels}, 1), dy(x.host.shape(), 2);
  const Both<W> weight({channels, 1, taps}, 3), bias({channels}, 4);
  Context<ligase::cpu> host;
  Context<Cuda> device;
  Cpu<T> y(x.host.shape()), dx(x.host.shape());
  Cpu<W> dweight = Cpu<W>::zeros(weight.host.shape()), dbias = with_bias ? Cpu<W>::zeros({channels}) : Cpu<W>();
  ligase::generic::causal_conv1d_forward<dir>(host, x.host, weight.host, with_bias ? bias.host : Cpu<W>(), y);
  ligase::generic::causal_conv1d_backward<dir>(host, dy.host, x.host, weight.host, dx, dweight, dbias);
  Gpu<W> device_dweight = Gpu<W>::zeros(weight.host.shape()),
         device_dbias = with_bias ? Gpu<W>::zeros({channels}) : Gpu<W>();
  CHECK(distance(to_host(ligase::ops::causal_conv1d<dir>(device, x.device, weight.device,
                                                         with_bias ? bias.device : Gpu<W>())),
                 y) <= bound);
  CHECK(distance(to_host(ligase::ops::causal_conv1d_backward<dir>(device, dy.device, x.device, weight.device,
                                                                  device_dweight, device_dbias)),
                 dx) <= bound);
  CHECK(distance(to_host(device_dweight), dweight) <= bound);
  if (with_bias) CHECK(distance(to_host(device_dbias), dbias) <= bound);
}

}  // namespace

TEST_CASE("the scan's kernels beside the generic functors") {
  for (const ScanSize& s :
       {ScanSize{1, 1, 1, 1, true}, ScanSize{2, 2, 3, 5, false}, ScanSize{1, 65, 17, 16, true},
        ScanSize{3, 63, 16, 16, false}, ScanSize{1, 300, 9, 4, true}, ScanSize{2, 130, 20, 33, true},
        ScanSize{1, 66, 5, 64, true}, ScanSize{1, 17, 6, 20, false}, ScanSize{1, 12, 3, 70, true}}) {
    check_scan<Direction::forward, double>(s, 1e-12);
    check_scan<Direction::reverse, double>(s, 1e-12);
    check_scan<Direction::forward, float>(s, 2e-6);
    check_scan<Direction::reverse, bfloat16>(s, 2e-2);
  }
  check_scan<Direction::forward, float>({1, 20, 5, 128, true}, 2e-6);
  check_scan<Direction::reverse, float>({1, 5, 2, 130, true}, 2e-6);
}

TEST_CASE("the convolution's kernels beside the generic functors") {
  for (Index taps : {1, 2, 3, 4, 7})
    for (Index length : {1, 3, 64, 65, 130}) {
      check_conv<Direction::forward, double>(2, length, 5, taps, true, 1e-14);
      check_conv<Direction::reverse, float>(1, length, 130, taps, false, 1e-6);
      check_conv<Direction::reverse, bfloat16>(1, length, 8, taps, true, 1e-2);
    }
}

TEST_CASE("every spread of states over lanes gives the same bits") {
  const Problem<float> p({2, 70, 19, 16, true});
  const auto run = [&](int per_lane) {
    Gpu<float> y(p.u.host.shape()), last(p.initial.host.shape());
    scan_cuda::scan_forward(
        scan_cuda::plain_arguments<Direction::reverse>(p.device_in, p.device_weights, y.data(), last.data(), nullptr),
        per_lane);
    return std::pair{to_host(y), to_host(last)};
  };
  const auto [y, last] = run(0);
  for (int per_lane : {2, 4, 8, 16}) {
    const auto [other_y, other_last] = run(per_lane);
    CHECK(distance(other_y, y) == 0);
    CHECK(distance(other_last, last) == 0);
  }
}

TEST_CASE("windows of the backward scan change no bits of activations") {
  const Problem<float> p({3, 300, 20, 16, false});
  Context<Cuda> context;
  const Shape states = p.initial.host.shape();
  Gpu<float> y(p.u.host.shape()), kept(ligase::scan_detail::kept_shape(p.u.host.shape(), 16));
  const auto forward =
      scan_cuda::plain_arguments<Direction::forward>(p.device_in, p.device_weights, y.data(), nullptr, kept.data());
  scan_cuda::scan_forward(forward);
  const auto run = [&](Index budget) {
    Gpu<float> du(p.u.host.shape()), ddelta(du.shape()), dbc(p.bc.host.shape()), adjoint = Gpu<float>::zeros(states),
                                                                                 dA = Gpu<float>::zeros({20, 16});
    kernels::ScanBackwardArguments<float> a{};
    a.sizes = forward.sizes;
    a.run[0] = forward.run[0];
    a.gradient[0] = {p.dy.device.data(), du.data(), ddelta.data(), adjoint.data(), nullptr, nullptr, nullptr};
    scan_cuda::GradientTargets<float> to[2] = {{dbc.data(), dA, {}, {}}, {}};
    scan_cuda::scan_backward(context, a, 300, 32, 0, to, budget);
    return std::vector{to_host(du), to_host(ddelta), to_host(dbc), to_host(adjoint), to_host(dA)};
  };
  const auto whole = run(Index{1} << 25), small = run(1);
  for (std::size_t i = 0; i < 4; ++i) CHECK(distance(small[i], whole[i]) == 0);
  CHECK(distance(small[4], whole[4]) < 1e-6);
}

TEST_CASE("windows fit the budget and the multiprocessors") {
  using scan_cuda::Windows;
  // E 512, N 16, two directions: 32 tiles, 2,048 numbers per step.
  CHECK(Windows::of(2, 131072, 2048, 64, Index{1} << 25).group == 2);
  CHECK(Windows::of(2, 131072, 2048, 64, Index{1} << 25).steps == 8192);
  CHECK(Windows::of(2, 1, 2048, 64, Index{1} << 25).steps == 64);
  CHECK(Windows::of(2048, 1024, 2048, 64, Index{1} << 25).group == 16);
  CHECK(Windows::of(2048, 1024, 2048, 64, Index{1} << 25).steps == 1024);
  CHECK(Windows::of(1, 300, 32, 1, 1).steps == 64);
}

TEST_CASE("offsets beyond 2^31") {
  const Index large = Index{3} << 30;
  const kernels::Sequences batch{nullptr, 8, large};
  CHECK(batch[5].first == 5 * large);
  CHECK(batch.of_block(batch[5].block + 7).first == 5 * large);
  CHECK(kernels::row_at(Direction::reverse, batch[5], 1) == 6 * large - 2);
  const kernels::ScanSizes sizes{batch, 5000, 16, 8, true, 2, 4, 4};
  CHECK(sizes.kept(batch[5].block, 4999) == ((5 * large / 64) * 313 + 312) * 256 + 7);
  const auto* base = reinterpret_cast<const unsigned char*>(std::uintptr_t{64});
  const kernels::ScanTile tile(Direction::reverse, batch[5], 64, 64);
  CHECK(tile.at(base, 5000, 63) - base == (6 * large - 1 - 127) * 5000);
  CHECK(tile.count == 64);
  // 2^40 blocks of one tile of channels each.
  const kernels::ScanPlace place(sizes, 16, (Index{5} << 32) * 313 * 2 + 313 + 9);
  CHECK(place.sequence == Index{5} << 32);
  CHECK(place.run == 1);
  CHECK(place.first_channel == 144);
}
