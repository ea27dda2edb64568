#include <ligase/train/cuda/optimizer.cuh>

#include <doctest/doctest.h>

#include "twins.hpp"

using namespace ligase_test;
using ligase::AdamW;
using ligase::AdamWConfig;
using ligase::Init;
using ligase::Parameter;

namespace {

/// Sizes around those of a part, of an access, and one.
constexpr Index sizes[] = {1, 3, 4096, 4097, 2, 9001, 8192, 118};

template <class T, class D>
struct Weights {
  std::vector<Parameter<T, D>> all;

  Weights() {
    for (const Index n : sizes) all.emplace_back(Shape{n}, Init::normal(1), n % 2 == 0);
    ligase::initialize(*this, 5);
    ligase::allocate_gradients(*this);
    all[4].gradient = {};  // frozen
  }
  void visit(auto&& v) {
    for (std::size_t i = 0; i < all.size(); ++i) v(std::to_string(i), all[i]);
  }
  void draw_gradients(std::uint64_t step) {
    std::uint64_t i = 0;
    for (auto& p : all) {
      ++i;
      if (!p.trained()) continue;
      const auto values = random_tensor<T>(p.gradient.shape(), 100 * step + i, -3, 3);
      p.gradient.assign(values.span());
    }
  }
  std::string bytes() {
    std::string s;
    for (auto& p : all) s += bytes_of(p.value);
    return s;
  }
};

/// Largest relative distance of two models' weights.
template <class T>
double worst(Weights<T, Cuda>& a, Weights<T, ligase::cpu>& b) {
  double d = 0;
  for (std::size_t i = 0; i < a.all.size(); ++i) d = std::max(d, distance(a.all[i].value, b.all[i].value));
  return d;
}

template <class T>
void check_steps(double bound_of_weights) {
  const AdamWConfig config{.beta1 = 0.8, .beta2 = 0.97, .epsilon = 1e-3, .weight_decay = 0.3};
  Weights<T, ligase::cpu> twin;
  Weights<T, Cuda> mine;
  AdamW<T, ligase::cpu> twins(config);
  AdamW<T, Cuda> optimizer(config);
  Context<> host;
  Context<Cuda> context;
  CHECK(worst(mine, twin) == 0);
  for (std::uint64_t t = 0; t < 6; ++t) {
    CAPTURE(t);
    twin.draw_gradients(t);
    mine.draw_gradients(t);
    CHECK(gradient_norm(context, mine) == doctest::Approx(gradient_norm(host, twin)).epsilon(1e-14));
    if (t % 2 == 0) {
      twins.step(host, twin, 0.01, 0.5);
      optimizer.step(context, mine, 0.01, 0.5);
    } else {
      twins.prepare(twin, 0.01, 0.5, 1.5);
      twins.apply(host);
      optimizer.prepare(mine, 0.01, 0.5, 1.5);
      optimizer.apply(context);
      CHECK(to_host(optimizer.norm()).data()[1] == doctest::Approx(twins.norm().data()[1]).epsilon(1e-14));
    }
    CHECK(worst(mine, twin) < bound_of_weights);
  }
  optimizer.zero_gradients(context, mine);
  CHECK(gradient_norm(context, mine) == 0);
}

}  // namespace

TEST_CASE("AdamW over all parameters agrees with its twin") {
  check_steps<float>(1e-6);
  check_steps<double>(1e-14);
}

TEST_CASE("one launch updates all parameters, two give the norm, one the zeros") {
  Weights<float, Cuda> w;
  w.draw_gradients(1);
  AdamW<float, Cuda> optimizer;
  Context<Cuda> context;
  optimizer.reset(w);
  const auto launches = [&](auto f) {
    const auto before = simt::counts().launches;
    f();
    return simt::counts().launches - before;
  };
  CHECK(launches([&] { optimizer.step(context, w, 0.1); }) == 1);
  CHECK(launches([&] { optimizer.apply(context); }) == 3);
  CHECK(launches([&] { optimizer.zero_gradients(context, w); }) == 1);
}

TEST_CASE("a step that is not finite changes nothing") {
  for (const bool in_loss : {false, true})
    for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
      Weights<float, Cuda> w;
      w.draw_gradients(1);
      AdamW<float, Cuda> optimizer;
      Context<Cuda> context;
      optimizer.prepare(w, 0.1, 1, 1);
      optimizer.apply(context, on_device(Cpu<double>::from({1}, std::vector<double>{0.5})));
      const std::string before = w.bytes();
      if (!in_loss) {
        auto gradient = to_host(w.all[5].gradient);
        gradient.data()[9000] = static_cast<float>(bad);
        w.all[5].gradient.assign(gradient.span());
      }
      optimizer.prepare(w, 0.1, 1, 1);
      optimizer.apply(context, on_device(Cpu<double>::from({1}, std::vector<double>{in_loss ? bad : 0.5})));
      CHECK(w.bytes() == before);
    }
}

TEST_CASE("a tensor that moved is found again") {
  Weights<float, Cuda> w, other;
  AdamW<float, Cuda> optimizer, plain;
  Context<Cuda> context;
  for (std::uint64_t t = 0; t < 3; ++t) {
    w.draw_gradients(t);
    other.draw_gradients(t);
    w.all[5].value = w.all[5].value.clone();
    optimizer.step(context, w, 0.1);
    plain.step(context, other, 0.1);
  }
  CHECK(w.bytes() == other.bytes());
}

TEST_CASE("update and norm: same bits in whatever order blocks and threads run") {
  CHECK(same_in_every_order([&] {
    Weights<float, Cuda> w;
    AdamW<float, Cuda> optimizer;
    Context<Cuda> context;
    for (std::uint64_t t = 0; t < 2; ++t) {
      w.draw_gradients(t);
      optimizer.prepare(w, 0.1, 1, 1);
      optimizer.apply(context);
    }
    return w.bytes() + bytes_of(optimizer.norm());
  }));
}
