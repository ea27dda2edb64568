#include <doctest/doctest.h>

#include <ligase/core/random.hpp>
#include <ligase/io/safetensors.hpp>
#include <ligase/ops/conv1d.hpp>

#include <support/shared.hpp>
#include <support/tensors.hpp>

#include <algorithm>
#include <cmath>
#include <type_traits>

using namespace ligase;
using ligase_test::Cpu;
using ligase_test::equal;
using ligase_test::flipped;
using ligase_test::transposed;

namespace {

template <class T>
double relative_l2(const Cpu<T>& found, const Cpu<double>& expected) {
  REQUIRE(found.count() == expected.count());
  double d = 0, s = 0;
  for (Index i = 0; i < expected.count(); ++i) {
    const double e = expected.data()[i], x = static_cast<double>(found.data()[i]) - e;
    d += x * x;
    s += e * e;
  }
  return s == 0 ? std::sqrt(d) : std::sqrt(d / s);
}

template <class T>
Cpu<T> drawn(Shape shape, std::uint64_t place) {
  Cpu<T> x(shape);
  const RandomStream random{23, 0, place};
  for (Index i = 0; i < x.count(); ++i) x.data()[i] = static_cast<T>(random.normal(static_cast<std::uint64_t>(i)));
  return x;
}

template <class T>
struct Problem {
  Cpu<T> x, weight, bias, dy;
  Problem(Index b, Index l, Index e, Index k)
      : x(drawn<T>({b, l, e}, 1)), weight(drawn<T>({e, 1, k}, 2)), bias(drawn<T>({e}, 3)), dy(drawn<T>({b, l, e}, 4)) {}
};

template <class T>
struct Outcome {
  Cpu<T> y, dx, dweight, dbias;
};

template <Direction dir, class T>
Outcome<T> run(const Problem<T>& p, int threads = 1) {
  Context<cpu> context;
  context.threads = threads;
  Outcome<T> r{ops::causal_conv1d<dir>(context, p.x, p.weight, p.bias),
               {},
               Cpu<T>::zeros(p.weight.shape()),
               Cpu<T>::zeros(p.bias.shape())};
  r.dx = ops::causal_conv1d_backward<dir>(context, p.dy, p.x, p.weight, r.dweight, r.dbias);
  return r;
}

/// By the definition, in double: scatters every product, with the taps flipped for the reverse direction.
template <class T>
Outcome<double> expected(const Problem<T>& p, Direction dir) {
  const Index b = p.x.size(0), l = p.x.size(1), e = p.x.size(2), k = p.weight.size(2);
  using D = Cpu<double>;
  Outcome<double> r{D(p.x.shape()), D::zeros(p.x.shape()), D::zeros(p.weight.shape()), D::zeros(p.bias.shape())};
  for (Index i = 0; i < p.x.count(); ++i) {
    r.y.data()[i] = static_cast<double>(p.bias.data()[i % e]);
    r.dbias.data()[i % e] += static_cast<double>(p.dy.data()[i]);
  }
  for (Index s = 0; s < b; ++s)
    for (Index t = 0; t < l; ++t)
      for (Index lag = 0; lag < k; ++lag) {
        const Index from = dir == Direction::forward ? t - lag : t + lag;
        if (from < 0 || from >= l) continue;
        for (Index c = 0; c < e; ++c) {
          const Index to = (s * l + t) * e + c, at = (s * l + from) * e + c, w = c * k + k - 1 - lag;
          r.y.data()[to] += static_cast<double>(p.weight.data()[w]) * static_cast<double>(p.x.data()[at]);
          r.dx.data()[at] += static_cast<double>(p.weight.data()[w]) * static_cast<double>(p.dy.data()[to]);
          r.dweight.data()[w] += static_cast<double>(p.x.data()[at]) * static_cast<double>(p.dy.data()[to]);
        }
      }
  return r;
}

template <class T>
void check_golden(const Safetensors& file, double output_bound, double gradient_bound) {
  Problem<T> p(1, 1, 1, 1);
  p.x = transposed(file.to_tensor<T>("conv.in.x"));
  p.weight = file.to_tensor<T>("conv.in.weight");
  p.bias = file.to_tensor<T>("conv.in.bias");
  // The file's loss is sum of silu(pre) dout: gradient at the convolution's output by the chain rule.
  const auto pre = file.to_tensor<double>("conv.pre"), dout = file.to_tensor<double>("conv.in.dout");
  Cpu<T> dpre(pre.shape());
  for (Index i = 0; i < pre.count(); ++i) {
    const double x = pre.data()[i], s = 1 / (1 + std::exp(-x));
    dpre.data()[i] = static_cast<T>(dout.data()[i] * s * (1 + x * (1 - s)));
  }
  p.dy = transposed(dpre);
  const Outcome<T> r = run<Direction::forward>(p);
  CHECK(relative_l2(r.y, transposed(pre)) < output_bound);
  CHECK(relative_l2(r.dx, transposed(file.to_tensor<double>("conv.grad.x"))) < gradient_bound);
  CHECK(relative_l2(r.dweight, file.to_tensor<double>("conv.grad.weight")) < gradient_bound);
  CHECK(relative_l2(r.dbias, file.to_tensor<double>("conv.grad.bias")) < gradient_bound);
}

}  // namespace

TEST_CASE("causal convolution agrees with the reference implementation's vectors") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no folder with reference vectors");
    return;
  }
  const Safetensors file(*shared / "reference" / "golden" / "causal_conv1d_norms" / "cases.safetensors");
  check_golden<double>(file, 1e-7, 1e-7);
  check_golden<float>(file, 5e-6, 1e-5);
}

TEST_CASE_TEMPLATE("causal convolution agrees with its definition for odd shapes, kernel and plain code", T, float,
                   double) {
  const double bound = sizeof(T) == 4 ? 2e-6 : 1e-14;
  Context<cpu> context;
  for (const Index e : {1, 15, 16, 17, 236})
    for (const Index k : {1, 2, 3, 4, 5})
      for (const Index l : {1, 3, 64, 131}) {
        CAPTURE(e);
        CAPTURE(k);
        CAPTURE(l);
        const Problem<T> p(2, l, e, k);
        const auto check = [&]<Direction dir>(std::integral_constant<Direction, dir>) {
          const Outcome<double> right = expected(p, dir);
          const Outcome<T> r = run<dir>(p);
          CHECK(relative_l2(r.y, right.y) < bound);
          CHECK(relative_l2(r.dx, right.dx) < bound);
          CHECK(relative_l2(r.dweight, right.dweight) < bound);
          CHECK(relative_l2(r.dbias, right.dbias) < 10 * bound);  // terms of either sign leave little of their size
          Outcome<T> plain{Cpu<T>(p.x.shape()), Cpu<T>(p.x.shape()), Cpu<T>::zeros(p.weight.shape()),
                           Cpu<T>::zeros(p.bias.shape())};
          generic::causal_conv1d_forward<dir>(context, p.x, p.weight, p.bias, plain.y);
          generic::causal_conv1d_backward<dir>(context, p.dy, p.x, p.weight, plain.dx, plain.dweight, plain.dbias);
          CHECK(equal(r.y, plain.y));
          CHECK(equal(r.dx, plain.dx));
          CHECK(equal(r.dweight, plain.dweight));
          CHECK(equal(r.dbias, plain.dbias));
        };
        check(std::integral_constant<Direction, Direction::forward>{});
        check(std::integral_constant<Direction, Direction::reverse>{});
      }
}

TEST_CASE("causal convolution: reverse is forward between two flips") {
  const Problem<float> p(2, 77, 20, 4);
  Problem<float> q = p;
  q.x = flipped(p.x);
  q.dy = flipped(p.dy);
  const Outcome<float> reverse = run<Direction::reverse>(p), forward = run<Direction::forward>(q);
  CHECK(equal(reverse.y, flipped(forward.y)));
  CHECK(equal(reverse.dx, flipped(forward.dx)));
}

TEST_CASE("causal convolution: bits do not depend on threads or on the batch") {
  const Problem<float> p(3, 150, 40, 4);
  const Outcome<float> one = run<Direction::forward>(p, 1);
  for (const int threads : {2, 3}) {
    const Outcome<float> many = run<Direction::forward>(p, threads);
    CHECK(equal(one.y, many.y));
    CHECK(equal(one.dx, many.dx));
    CHECK(equal(one.dweight, many.dweight));
    CHECK(equal(one.dbias, many.dbias));
  }
  for (Index b = 0; b < 3; ++b) {
    Problem<float> alone = p;
    alone.x = p.x.slice(b, b + 1).clone();
    alone.dy = p.dy.slice(b, b + 1).clone();
    const Outcome<float> r = run<Direction::forward>(alone);
    CHECK(equal(r.y, one.y.slice(b, b + 1).clone()));
    CHECK(equal(r.dx, one.dx.slice(b, b + 1).clone()));
  }
}

TEST_CASE("causal convolution: without bias, without weight gradients, gradients add up") {
  const Problem<double> p(1, 10, 3, 4);
  Context<cpu> context;
  Cpu<double> none, once = Cpu<double>::zeros({3, 1, 4}), twice = Cpu<double>::zeros({3, 1, 4});
  const auto y = ops::causal_conv1d<Direction::forward>(context, p.x, p.weight, none);
  const auto with = ops::causal_conv1d<Direction::forward>(context, p.x, p.weight, p.bias);
  for (Index i = 0; i < y.count(); ++i) CHECK(with.data()[i] == doctest::Approx(y.data()[i] + p.bias.data()[i % 3]));
  const auto dx = ops::causal_conv1d_backward<Direction::forward>(context, p.dy, p.x, p.weight, none, none);
  ops::causal_conv1d_backward<Direction::forward>(context, p.dy, p.x, p.weight, once, none);
  for (int i = 0; i < 2; ++i)
    ops::causal_conv1d_backward<Direction::forward>(context, p.dy, p.x, p.weight, twice, none);
  CHECK(equal(dx, run<Direction::forward>(p).dx));
  for (Index i = 0; i < once.count(); ++i) CHECK(twice.data()[i] == 2 * once.data()[i]);
}

TEST_CASE("causal convolution: shapes that do not fit are refused") {
  Context<cpu> context;
  const Problem<float> p(1, 10, 3, 4);
  CHECK_THROWS_WITH_AS(
      ops::causal_conv1d<Direction::forward>(context, p.x, Tensor<float>({4, 1, 4}), p.bias),
      "causal_conv1d: input and weight do not fit; expected [B, L, E] and [E, 1, K], found [1, 10, 3] and "
      "[4, 1, 4]",
      Error);
  CHECK_THROWS_WITH_AS(ops::causal_conv1d<Direction::forward>(context, p.x, p.weight, Tensor<float>({2})),
                       "causal_conv1d bias: shapes do not fit; expected [3], found [2]", Error);
}
