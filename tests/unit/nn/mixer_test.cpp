#include <doctest/doctest.h>

#include <ligase/core/precision.hpp>
#include <ligase/nn/mamba.hpp>

#include <support/tensors.hpp>

#include <cmath>
#include <vector>

using namespace ligase;
using ligase_test::Cpu;
using ligase_test::equal;

namespace {

template <class T>
Cpu<T> random(Shape shape, const char* name) {
  Cpu<T> x(shape);
  const RandomStream stream{11, 0, hash_name(name)};
  for (Index i = 0; i < x.count(); ++i)
    x.data()[i] = static_cast<T>(2 * stream.uniform(static_cast<std::uint64_t>(i)) - 1);
  return x;
}

/// Output, gradient of the input, and gradients of all weights.
template <class T, class M, class G>
std::vector<Cpu<T>> run(M& mixer, G graph, const Cpu<T>& h, int threads) {
  Context<> context;
  context.threads = threads;
  zero_gradients(mixer);
  wire::saved_t<G, Cpu<T>> saved;
  std::vector<Cpu<T>> results{wire::forward(graph, context, h, saved)};
  results.push_back(wire::backward(graph, context, random<T>(h.shape(), "gradient"), saved));
  visit_parameters(mixer, [&](const std::string&, auto& p) { results.push_back(p.gradient.clone()); });
  return results;
}

template <class T>
double distance(const Cpu<T>& a, const Cpu<T>& b) {
  double difference = 0, size = 0;
  for (Index i = 0; i < a.count(); ++i) {
    difference += std::pow(static_cast<double>(a.data()[i]) - static_cast<double>(b.data()[i]), 2);
    size += std::pow(static_cast<double>(b.data()[i]), 2);
  }
  return std::sqrt(size > 0 ? difference / size : difference);
}

template <class P>
void compare(typename BiMambaMixer<cpu, P>::Options options, const SsmConfig& config, Index batch, Index length,
             Index channels, double bound) {
  using T = typename P::Activation;
  using Mixer = BiMambaMixer<cpu, P>;
  CAPTURE(batch);
  CAPTURE(length);
  CAPTURE(channels);
  Mixer mixer(channels, config, options);
  initialize(mixer, 3);
  allocate_gradients(mixer);
  const Cpu<T> h = random<T>({batch, length, channels}, "h");
  const auto plain = run<T>(mixer, Mixer::plain(mixer), h, 2), fused = run<T>(mixer, Mixer::graph(mixer), h, 2);
  REQUIRE(plain.size() == fused.size());
  for (std::size_t i = 0; i < plain.size(); ++i) CHECK(distance(fused[i], plain[i]) <= bound);
}

}  // namespace

TEST_CASE("the fused mixer is its plain wiring") {
  SsmConfig other;
  other.bias = true;
  other.d_conv = 7;
  other.d_state = 5;
  for (const auto& [batch, length, channels] : std::vector<std::array<Index, 3>>{{1, 1, 8}, {3, 5, 20}, {2, 131, 37}, {5, 200, 118}}) {
    compare<fp64>({}, {}, batch, length, channels, 1e-14);
    compare<fp64>({true, false, true}, other, batch, length, channels, 1e-14);
    compare<fp64>({true, true, false}, other, batch, length, channels, 1e-14);
    compare<fp64>({false, true, false}, other, batch, length, channels, 1e-14);
    compare<fp32>({}, {}, batch, length, channels, 2e-6);
  }
}

TEST_CASE("the fused mixer gives the same bits on any number of threads, alone and in a batch") {
  // 2,500 tokens are several chunks for 2 and 3 threads and many tiles for 1.
  using Mixer = BiMambaMixer<cpu, fp32>;
  Mixer mixer(24, {}, {});
  initialize(mixer, 3);
  allocate_gradients(mixer);
  for (const Index length : {Index{2500}, Index{1024}, Index{65}}) {
    CAPTURE(length);
    const Cpu<float> h = random<float>({2, length, 24}, "h");
    const auto expected = run<float>(mixer, Mixer::graph(mixer), h, 1);
    for (const int threads : {2, 3, 5}) {
      CAPTURE(threads);
      const auto found = run<float>(mixer, Mixer::graph(mixer), h, threads);
      for (std::size_t i = 0; i < found.size(); ++i) CHECK(equal(found[i], expected[i]));
    }
    for (Index b = 0; b < 2; ++b) {
      Context<> context;
      context.threads = 2;
      CHECK(equal(wire::infer(mixer, context, h.slice(b, b + 1).clone()), expected[0].slice(b, b + 1).clone()));
    }
  }
}

TEST_CASE("a mixer refuses what does not fit its weights") {
  BiMambaMixer<cpu, fp32> mixer(24, {}, {});
  initialize(mixer, 3);
  Context<> context;
  CHECK_THROWS_WITH_AS(wire::infer(mixer, context, Cpu<float>({2, 5, 23})),
                       "fused_mixer: input and weights do not fit; expected [B, L, 24] with L of at least 1, found [2, 5, 23]", Error);
}

TEST_CASE("packed sequences give the bits that each gives alone, forward and backward") {
  using Mixer = BiMambaMixer<cpu, fp32>;
  Mixer mixer(24, {}, {});
  initialize(mixer, 3);
  allocate_gradients(mixer);
  const std::vector<Index> offsets{0, 1, 4, 104, 168, 768};
  const Cpu<float> h = random<float>({1, offsets.back(), 24}, "h"), dy = random<float>(h.shape(), "gradient");
  const auto run_one = [&](const Cpu<float>& x, const Cpu<float>& d, Context<> context) {
    auto graph = Mixer::graph(mixer);
    wire::saved_t<decltype(graph), Cpu<float>> saved;
    Cpu<float> y = wire::forward(graph, context, x, saved);
    return std::pair{y, wire::backward(graph, context, d, saved)};
  };
  const auto rows = [](const Cpu<float>& x, Index begin, Index end) {
    return x.reshaped({x.size(1), x.size(2)}).slice(begin, end).clone().reshaped({1, end - begin, x.size(2)});
  };
  for (const int threads : {1, 2, 7}) {
    CAPTURE(threads);
    Context<> packed, alone;
    packed.threads = alone.threads = threads;
    packed.offsets = std::make_shared<const std::vector<Index>>(offsets);
    const auto [y, dx] = run_one(h, dy, packed);
    for (std::size_t i = 1; i < offsets.size(); ++i) {
      const Index begin = offsets[i - 1], end = offsets[i];
      const auto [y_alone, dx_alone] = run_one(rows(h, begin, end), rows(dy, begin, end), alone);
      CHECK(equal(rows(y, begin, end), y_alone));
      CHECK(equal(rows(dx, begin, end), dx_alone));
    }
  }
  Context<> wrong;
  wrong.offsets = std::make_shared<const std::vector<Index>>(std::vector<Index>{0, 5, 5, 768});
  CHECK_THROWS_AS(wire::infer(mixer, wrong, h), Error);
}
