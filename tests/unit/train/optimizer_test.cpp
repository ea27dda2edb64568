#include <doctest/doctest.h>

#include <unit/train/toy.hpp>

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

using namespace ligase;

namespace {

/// One weight by the book, in long double, with the bias-corrected moments of Kingma & Ba's algorithm 1.
struct SlowAdamW {
  long double value, first = 0, second = 0;
  void step(const AdamWConfig& c, int t, long double rate, long double gradient, bool decays) {
    first = c.beta1 * first + (1 - c.beta1) * gradient;
    second = c.beta2 * second + (1 - c.beta2) * gradient * gradient;
    const long double first_hat = first / (1 - std::pow(static_cast<long double>(c.beta1), t));
    const long double second_hat = second / (1 - std::pow(static_cast<long double>(c.beta2), t));
    const long double decay = decays ? rate * c.weight_decay * value : 0;
    value = value - decay - rate * first_hat / (std::sqrt(second_hat) + c.epsilon);
  }
};

template <class T>
struct Weights {
  Parameter<T, cpu> a, b;
  Weights(Index na, Index nb) : a({na}, Init::normal(1)), b({nb}, Init::normal(1), false) {
    initialize(*this, 5);
    allocate_gradients(*this);
  }
  void visit(auto&& v) {
    v("a", a);
    v("b", b);
  }
  void draw_gradients(std::uint64_t step) {
    visit_parameters(*this, [&](const std::string& name, auto& p) {
      const RandomStream s{7, step, hash_name(name)};
      for (Index i = 0; i < p.gradient.count(); ++i)
        p.gradient.data()[i] = static_cast<T>(3 * s.normal(static_cast<std::uint64_t>(i)));
    });
  }
};

template <class T>
double worst_error_against_slow(double scale) {
  const AdamWConfig config{.beta1 = 0.8, .beta2 = 0.97, .epsilon = 1e-3, .weight_decay = 0.3};
  Weights<T> w(33, 9);
  std::map<std::string, std::vector<SlowAdamW>> slow;
  visit_parameters(w, [&](const std::string& name, auto& p) {
    for (Index i = 0; i < p.value.count(); ++i) slow[name].push_back({p.value.data()[i]});
  });
  AdamW<T> optimizer(config);
  Context<> context;
  double worst = 0;
  for (int t = 1; t <= 40; ++t) {
    w.draw_gradients(static_cast<std::uint64_t>(t));
    const double rate = 0.01 * t;
    optimizer.step(context, w, rate, scale);
    visit_parameters(w, [&](const std::string& name, auto& p) {
      for (Index i = 0; i < p.value.count(); ++i) {
        auto& s = slow.at(name)[static_cast<std::size_t>(i)];
        s.step(config, t, rate, static_cast<long double>(scale) * p.gradient.data()[i], p.decay);
        worst = std::max(worst, static_cast<double>(std::abs(s.value - p.value.data()[i])));
      }
    });
  }
  CHECK(optimizer.steps() == 40);
  return worst;
}

template <class T>
std::string bytes_of(const Tensor<T>& t) {
  return {reinterpret_cast<const char*>(t.data()), static_cast<std::size_t>(t.count()) * sizeof(T)};
}

}  // namespace

// Weights stay below 5; an error of a few units in the last place per step is all that the types allow.
TEST_CASE("AdamW agrees with the textbook form") {
  CHECK(worst_error_against_slow<double>(1.0) < 2e-14);
  CHECK(worst_error_against_slow<double>(0.37) < 2e-14);
  CHECK(worst_error_against_slow<float>(1.0) < 1e-5);
}

// First step: both corrected moments are g and g^2, so the weight moves by lr g / (|g| + eps) after the decay.
TEST_CASE("AdamW: first step by hand") {
  Weights<double> w(2, 1);
  w.a.value.data()[0] = 2, w.a.value.data()[1] = -1, w.b.value.data()[0] = 4;
  w.a.gradient.data()[0] = 0.5, w.a.gradient.data()[1] = 0, w.b.gradient.data()[0] = -3;
  AdamW<double> optimizer({.epsilon = 0.5, .weight_decay = 0.1});
  Context<> context;
  optimizer.step(context, w, 0.01);
  CHECK(w.a.value.data()[0] == doctest::Approx(2 * 0.999 - 0.01 * 0.5 / 1.0).epsilon(1e-14));
  CHECK(w.a.value.data()[1] == doctest::Approx(-0.999).epsilon(1e-14));
  CHECK(w.b.value.data()[0] == doctest::Approx(4 + 0.01 * 3 / 3.5).epsilon(1e-14));
}

TEST_CASE("AdamW finds the minimum of a quadratic") {
  Weights<double> w(6, 3);
  AdamW<double> optimizer({.weight_decay = 0});
  Context<> context;
  for (int t = 0; t < 4000; ++t) {
    visit_parameters(w, [](const std::string&, auto& p) {
      for (Index i = 0; i < p.value.count(); ++i)
        p.gradient.data()[i] = static_cast<double>(i + 1) * (p.value.data()[i] - static_cast<double>(i));
    });
    optimizer.step(context, w, 0.05 * std::pow(0.995, t));
  }
  for (Index i = 0; i < 6; ++i) CHECK(std::abs(w.a.value.data()[i] - static_cast<double>(i)) < 1e-6);
}

TEST_CASE("bits do not depend on threads") {
  std::string value, first;
  double norm = 0;
  for (int threads : {1, 2, 3}) {
    CAPTURE(threads);
    Weights<float> w(100'003, 4097);
    AdamW<float> optimizer;
    Context<> context{.threads = threads};
    for (std::uint64_t t = 0; t < 2; ++t) {
      w.draw_gradients(t);
      optimizer.step(context, w, 0.01);
    }
    const double n = gradient_norm(context, w);
    if (threads == 1) {
      value = bytes_of(w.a.value), first = bytes_of(optimizer.moments().at("a").first), norm = n;
    } else {
      CHECK(bytes_of(w.a.value) == value);
      CHECK(bytes_of(optimizer.moments().at("a").first) == first);
      CHECK(n == norm);
    }
  }
}

TEST_CASE("gradient norm and clipping") {
  Weights<float> w(10'001, 5);
  w.draw_gradients(1);
  Context<> context;
  long double sum = 0;
  visit_parameters(w, [&](const std::string&, auto& p) {
    for (Index i = 0; i < p.gradient.count(); ++i)
      sum += static_cast<long double>(p.gradient.data()[i]) * p.gradient.data()[i];
  });
  CHECK(gradient_norm(context, w) == doctest::Approx(static_cast<double>(std::sqrt(sum))).epsilon(1e-14));

  CHECK(clip_coefficient(0.5, 1) == 1);
  CHECK(clip_coefficient(4, 1) == doctest::Approx(1 / 4.000001).epsilon(1e-15));
  CHECK(clip_coefficient(0, 1) == 1);
  CHECK(clip_coefficient(1e30, std::numeric_limits<double>::infinity()) == 1);

  w.a.gradient.data()[9999] = std::numeric_limits<float>::infinity();
  CHECK(std::isinf(gradient_norm(context, w)));
  w.b.gradient.data()[4] = std::nanf("");
  CHECK(std::isnan(gradient_norm(context, w)));
}

TEST_CASE("frozen parameters stay; a change of what is trained is refused") {
  Weights<float> w(4, 2);
  w.draw_gradients(0);
  w.a.gradient = {};
  const std::string before = bytes_of(w.a.value), other = bytes_of(w.b.value);
  AdamW<float> optimizer;
  Context<> context;
  optimizer.step(context, w, 0.1);
  CHECK(bytes_of(w.a.value) == before);
  CHECK(bytes_of(w.b.value) != other);
  CHECK(optimizer.moments().count("a") == 0);

  w.a.gradient = Tensor<float>::zeros({4});
  CHECK_THROWS_WITH_AS(optimizer.step(context, w, 0.1),
                       "a: the optimiser holds no moments of this shape for a trained parameter", Error);
}

TEST_CASE("prepare and apply: norm, clipping and update in one") {
  Weights<double> a(5000, 7), b(5000, 7);
  AdamW<double> first, second;
  Context<> context;
  for (std::uint64_t t = 0; t < 3; ++t) {
    a.draw_gradients(t);
    b.draw_gradients(t);
    const double norm = gradient_norm(context, a) / 4;
    first.step(context, a, 0.01, clip_coefficient(norm, 2.0) / 4);
    second.prepare(b, 0.01, 0.25, 2.0);
    second.apply(context);
    CHECK(second.norm().data()[1] == norm);
  }
  CHECK(bytes_of(a.a.value) == bytes_of(b.a.value));
  CHECK(bytes_of(a.b.value) == bytes_of(b.b.value));
}

TEST_CASE("a step whose norm or loss is not finite changes nothing") {
  Weights<float> w(40, 7);
  w.draw_gradients(1);
  AdamW<float> optimizer;
  Context<> context;
  const std::string before = bytes_of(w.a.value);
  const double nan = std::nan("");
  optimizer.prepare(w, 0.1);
  optimizer.apply(context, Tensor<double>::from({1}, {&nan, 1}));
  CHECK(bytes_of(w.a.value) == before);
  w.b.gradient.data()[6] = std::numeric_limits<float>::infinity();
  optimizer.prepare(w, 0.1);
  optimizer.apply(context);
  CHECK(bytes_of(w.a.value) == before);
  w.b.gradient.data()[6] = 0;
  optimizer.prepare(w, 0.1);
  optimizer.apply(context);
  CHECK(bytes_of(w.a.value) != before);
  optimizer.zero_gradients(context, w);
  CHECK(gradient_norm(context, w) == 0);
}
