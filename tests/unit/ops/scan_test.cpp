#include <doctest/doctest.h>

#include <ligase/core/random.hpp>
#include <ligase/io/safetensors.hpp>
#include <ligase/ops/scan.hpp>

#include <support/shared.hpp>
#include <support/tensors.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

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
  return std::sqrt(d / s);
}

template <class T>
Cpu<double> widened(const Cpu<T>& x) {
  Cpu<double> y(x.shape());
  std::copy(x.span().begin(), x.span().end(), y.span().begin());
  return y;
}

/// Joins [B, L, N] and [B, L, N] to [B, L, 2 N], and takes one of the halves out again.
template <class T>
Cpu<T> joined(const Cpu<T>& b, const Cpu<T>& c) {
  const Index n = b.size(2);
  Cpu<T> bc({b.size(0), b.size(1), 2 * n});
  for (Index i = 0; i < b.count(); ++i) {
    bc.data()[i / n * 2 * n + i % n] = b.data()[i];
    bc.data()[i / n * 2 * n + n + i % n] = c.data()[i];
  }
  return bc;
}
template <class T>
Cpu<T> half(const Cpu<T>& bc, int which) {
  const Index n = bc.size(2) / 2;
  Cpu<T> x({bc.size(0), bc.size(1), n});
  for (Index i = 0; i < x.count(); ++i) x.data()[i] = bc.data()[i / n * 2 * n + which * n + i % n];
  return x;
}

template <class T>
Cpu<T> drawn(Shape shape, std::uint64_t place, double scale = 1, double shift = 0) {
  Cpu<T> x(shape);
  const RandomStream random{17, 0, place};
  for (Index i = 0; i < x.count(); ++i)
    x.data()[i] = static_cast<T>(shift + scale * random.normal(static_cast<std::uint64_t>(i)));
  return x;
}

/// A scan of random operands with everything optional present.
template <class T>
struct Problem {
  ScanInput<T, cpu> input;
  ScanWeights<T, cpu> weights;
  Cpu<T> dy, dfinal;

  Problem(Index b, Index l, Index e, Index n) {
    input = {drawn<T>({b, l, e}, 1), drawn<T>({b, l, e}, 2), drawn<T>({b, l, 2 * n}, 3), drawn<T>({b, l, e}, 4),
             drawn<T>({b, e, n}, 5)};
    weights = {drawn<T>({e, n}, 6), drawn<T>({e}, 7), drawn<T>({e}, 8, 0.5, -1), true};
    for (T& a : weights.A.span()) a = -std::exp(a);
    dy = drawn<T>({b, l, e}, 9);
    dfinal = drawn<T>({b, e, n}, 10);
  }
  Problem sequence(Index b) const {
    Problem p = *this;
    for (Cpu<T>* x : {&p.input.u, &p.input.delta, &p.input.bc, &p.input.z, &p.input.initial_state, &p.dy, &p.dfinal})
      if (!x->empty()) *x = x->slice(b, b + 1).clone();
    return p;
  }
};

template <class T>
struct Outcome {
  Cpu<T> y, final_state;
  ScanGradients<T, cpu> gradients;

  std::vector<std::pair<std::string, Cpu<T>>> all() const {
    return {{"y", y},
            {"final_state", final_state},
            {"u", gradients.u},
            {"delta", gradients.delta},
            {"bc", gradients.bc},
            {"z", gradients.z},
            {"initial_state", gradients.initial_state},
            {"A", gradients.A},
            {"D", gradients.D},
            {"delta_bias", gradients.delta_bias}};
  }
};

template <class T>
void give_gradients(const ScanWeights<T, cpu>& w, ScanGradients<T, cpu>& g) {
  g.A = Cpu<T>::zeros(w.A.shape());
  if (!w.D.empty()) g.D = Cpu<T>::zeros(w.D.shape());
  if (!w.delta_bias.empty()) g.delta_bias = Cpu<T>::zeros(w.delta_bias.shape());
}

template <Direction dir, class T>
Outcome<T> run(const Problem<T>& p, int threads = 1) {
  Context<cpu> context;
  context.threads = threads;
  Outcome<T> r;
  ScanSaved<T, cpu> saved;
  r.y = ops::selective_scan<dir>(context, p.input, p.weights, &saved, &r.final_state);
  give_gradients(p.weights, r.gradients);
  ops::selective_scan_backward<dir>(context, p.dy, p.dfinal, p.input, p.weights, saved, r.gradients);
  return r;
}

/// The same by the plain code that every device falls back to.
template <Direction dir, class T>
Outcome<T> run_generic(const Problem<T>& p) {
  Context<cpu> context;
  Outcome<T> r;
  const Shape u = p.input.u.shape(), a = p.weights.A.shape();
  ScanSaved<T, cpu> saved{Cpu<T>({u[0], (u[1] + 63) / 64, (u[2] + 15) / 16, a[1], 16})};
  r.y = Cpu<T>(u);
  r.final_state = Cpu<T>({u[0], u[2], a[1]});
  generic::selective_scan_forward<dir>(context, p.input, p.weights, r.y, r.final_state, saved);
  auto& g = r.gradients;
  g.u = Cpu<T>(u);
  g.delta = Cpu<T>(u);
  g.bc = Cpu<T>(p.input.bc.shape());
  if (!p.input.z.empty()) g.z = Cpu<T>(u);
  if (!p.input.initial_state.empty()) g.initial_state = Cpu<T>(r.final_state.shape());
  give_gradients(p.weights, g);
  generic::selective_scan_backward<dir>(context, p.dy, p.dfinal, p.input, p.weights, saved, g);
  return r;
}

template <Direction dir, class T>
void check_golden(const Safetensors& file, const std::string& mode, double output_bound, double exact_bound,
                  double gradient_bound) {
  const auto read = [&](const std::string& name) { return transposed(file.to_tensor<T>(name)); };
  const auto expected = [&](const std::string& name) { return transposed(file.to_tensor<double>(name)); };
  Problem<T> p(1, 1, 1, 1);
  p.input = {read("in.u"), read("in.delta"), joined(read("in.B"), read("in.C")), {}, {}};
  if (mode != "fwd_noz") p.input.z = read("in.z");
  p.weights = {file.to_tensor<T>("in.A"), file.to_tensor<T>("in.D"), file.to_tensor<T>("in.delta_bias"), true};
  p.dy = read("in.dout");
  p.dfinal = {};
  const Outcome<T> r = run<dir>(p);
  CAPTURE(mode);
  CHECK(relative_l2(r.y, expected(mode + ".out")) < output_bound);
  CHECK(relative_l2(r.y, expected(mode + ".out_f64")) < exact_bound);
  CHECK(relative_l2(r.final_state, file.to_tensor<double>(mode + ".last_state")) < output_bound);
  const std::string grad = mode + ".grad.";
  CHECK(relative_l2(r.gradients.u, expected(grad + "u")) < gradient_bound);
  CHECK(relative_l2(r.gradients.delta, expected(grad + "delta")) < gradient_bound);
  CHECK(relative_l2(half(r.gradients.bc, 0), expected(grad + "B")) < gradient_bound);
  CHECK(relative_l2(half(r.gradients.bc, 1), expected(grad + "C")) < gradient_bound);
  if (mode != "fwd_noz") CHECK(relative_l2(r.gradients.z, expected(grad + "z")) < gradient_bound);
  CHECK(relative_l2(r.gradients.A, file.to_tensor<double>(grad + "A")) < gradient_bound);
  CHECK(relative_l2(r.gradients.D, file.to_tensor<double>(grad + "D")) < gradient_bound);
  CHECK(relative_l2(r.gradients.delta_bias, file.to_tensor<double>(grad + "delta_bias")) < gradient_bound);
}

}  // namespace

TEST_CASE("selective scan agrees with the reference implementation's vectors") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no folder with reference vectors");
    return;
  }
  for (const std::string name : {"selective_scan_L37", "selective_scan_L300"}) {
    CAPTURE(name);
    const Safetensors file(*shared / "reference" / "golden" / name / "cases.safetensors");
    // `rev` is the forward scan of flipped operands, its output flipped back: the reverse walk of the operands as they are.
    check_golden<Direction::forward, double>(file, "fwd", 1e-7, 1e-12, 1e-7);
    check_golden<Direction::forward, double>(file, "fwd_noz", 1e-7, 1e-12, 1e-7);
    check_golden<Direction::forward, float>(file, "fwd", 5e-6, 5e-6, 1e-5);
    check_golden<Direction::forward, float>(file, "fwd_noz", 5e-6, 5e-6, 1e-5);
    check_golden<Direction::reverse, double>(file, "rev", 1e-7, 1e-12, 1e-7);
    check_golden<Direction::reverse, float>(file, "rev", 5e-6, 5e-6, 1e-5);
  }
}

TEST_CASE(
    "selective scan: gradients agree with finite differences, both directions, initial and final state included") {
  Problem<double> p(2, 70, 3, 5);
  const auto check = [&]<Direction dir>(std::integral_constant<Direction, dir>) {
    const Outcome<double> r = run<dir>(p);
    const auto loss = [&] {
      const Outcome<double> o = run<dir>(p);
      double s = 0;
      for (Index i = 0; i < o.y.count(); ++i) s += o.y.data()[i] * p.dy.data()[i];
      for (Index i = 0; i < o.final_state.count(); ++i) s += o.final_state.data()[i] * p.dfinal.data()[i];
      return s;
    };
    const auto compare = [&](const std::string& name, Cpu<double>& x, const Cpu<double>& gradient) {
      CAPTURE(name);
      REQUIRE(gradient.shape() == x.shape());
      const Index stride = std::max<Index>(1, x.count() / 12);
      for (Index i = 0; i < x.count(); i += stride) {
        const double before = x.data()[i], h = 1e-5;
        x.data()[i] = before + h;
        const double above = loss();
        x.data()[i] = before - h;
        const double below = loss();
        x.data()[i] = before;
        CHECK(gradient.data()[i] == doctest::Approx((above - below) / (2 * h)).epsilon(1e-6));
      }
    };
    compare("u", p.input.u, r.gradients.u);
    compare("delta", p.input.delta, r.gradients.delta);
    compare("bc", p.input.bc, r.gradients.bc);
    compare("z", p.input.z, r.gradients.z);
    compare("initial_state", p.input.initial_state, r.gradients.initial_state);
    compare("A", p.weights.A, r.gradients.A);
    compare("D", p.weights.D, r.gradients.D);
    compare("delta_bias", p.weights.delta_bias, r.gradients.delta_bias);
  };
  check(std::integral_constant<Direction, Direction::forward>{});
  check(std::integral_constant<Direction, Direction::reverse>{});
  p.weights.softplus = false;
  for (double& d : p.input.delta.span()) d = std::abs(d) + 3;
  check(std::integral_constant<Direction, Direction::forward>{});
}

TEST_CASE_TEMPLATE("selective scan: reverse is forward between two flips", T, float, double) {
  const Problem<T> p(2, 130, 17, 16);
  Problem<T> q = p;
  for (Cpu<T>* x : {&q.input.u, &q.input.delta, &q.input.bc, &q.input.z, &q.dy}) *x = flipped(*x);
  const Outcome<T> reverse = run<Direction::reverse>(p), forward = run<Direction::forward>(q);
  CHECK(equal(reverse.y, flipped(forward.y)));
  CHECK(equal(reverse.final_state, forward.final_state));
  CHECK(equal(reverse.gradients.u, flipped(forward.gradients.u)));
  CHECK(equal(reverse.gradients.delta, flipped(forward.gradients.delta)));
  CHECK(equal(reverse.gradients.bc, flipped(forward.gradients.bc)));
  CHECK(equal(reverse.gradients.z, flipped(forward.gradients.z)));
  CHECK(equal(reverse.gradients.initial_state, forward.gradients.initial_state));
  CHECK(equal(reverse.gradients.A, forward.gradients.A));
  CHECK(equal(reverse.gradients.D, forward.gradients.D));
  CHECK(equal(reverse.gradients.delta_bias, forward.gradients.delta_bias));
}

namespace {

template <class T>
void check_close(const Outcome<T>& found, const Outcome<double>& expected, double bound) {
  const auto f = found.all();
  const auto e = expected.all();
  for (std::size_t i = 0; i < f.size(); ++i) {
    CAPTURE(f[i].first);
    REQUIRE(f[i].second.empty() == e[i].second.empty());
    if (!f[i].second.empty()) CHECK(relative_l2(f[i].second, e[i].second) < bound);
  }
}

template <class T>
Problem<double> exact(const Problem<T>& p) {
  Problem<double> q(1, 1, 1, 1);
  const auto wide = [](const Cpu<T>& x) { return x.empty() ? Cpu<double>() : widened(x); };
  q.input = {wide(p.input.u), wide(p.input.delta), wide(p.input.bc), wide(p.input.z), wide(p.input.initial_state)};
  q.weights = {wide(p.weights.A), wide(p.weights.D), wide(p.weights.delta_bias), p.weights.softplus};
  q.dy = wide(p.dy);
  q.dfinal = wide(p.dfinal);
  return q;
}

}  // namespace

TEST_CASE_TEMPLATE("selective scan: the kernel agrees with plain code for odd shapes", T, float, double) {
  // The plain code runs in double. Gradients of weights are sums over tokens of either sign: with a single channel about a
  // tenth of the terms' size is left, so that 2e-5 stands for rounding errors of 2e-6.
  const double bound = sizeof(T) == 4 ? 2e-5 : 1e-12;
  for (const Index e : {1, 15, 16, 17, 236})
    for (const Index n : {1, 8, 16, 20})
      for (const Index l : {1, 63, 129}) {
        if (e == 236 && n != 16 && l != 63) continue;
        CAPTURE(e);
        CAPTURE(n);
        CAPTURE(l);
        const Problem<T> p(2, l, e, n);
        check_close(run<Direction::forward>(p), run_generic<Direction::forward>(exact(p)), bound);
        check_close(run<Direction::reverse>(p), run_generic<Direction::reverse>(exact(p)), bound);
      }
}

TEST_CASE("selective scan: every optional operand can be absent") {
  for (int absent = 0; absent < 16; ++absent) {
    CAPTURE(absent);
    Problem<float> p(1, 66, 20, 16);
    if (absent & 1) p.input.z = {};
    if (absent & 2) p.input.initial_state = {};
    if (absent & 4) p.weights.D = {};
    if (absent & 8) p.weights.delta_bias = {};
    if (absent % 3 == 0) p.dfinal = {};
    check_close(run<Direction::forward>(p), run_generic<Direction::forward>(exact(p)), 1e-5);
  }
}

TEST_CASE("selective scan: far steps and decays") {
  Problem<float> p(1, 150, 16, 16);
  SUBCASE("decays to nothing") {
    for (float& d : p.input.delta.span()) d = d * 30;
    check_close(run<Direction::forward>(p), run_generic<Direction::forward>(exact(p)), 1e-5);
  }
  SUBCASE("the bits of a channel do not depend on far decays of another") {
    const Outcome<float> before = run<Direction::forward>(p);
    for (Index i = 5; i < p.input.delta.count(); i += 16) p.input.delta.data()[i] = 300;
    const Outcome<float> after = run<Direction::forward>(p);
    for (Index i = 0; i < before.y.count(); ++i) {
      if (i % 16 == 5) continue;
      REQUIRE(before.y.data()[i] == after.y.data()[i]);
      REQUIRE(before.gradients.u.data()[i] == after.gradients.u.data()[i]);
      REQUIRE(before.gradients.delta.data()[i] == after.gradients.delta.data()[i]);
    }
  }
  SUBCASE("what is not a number stays so") {
    p.input.delta.data()[16 * 3] = std::numeric_limits<float>::quiet_NaN();
    const Outcome<float> r = run<Direction::forward>(p);
    CHECK(!std::isnan(r.y.data()[16 * 2]));
    CHECK(std::isnan(r.y.data()[16 * 3]));
    CHECK(std::isnan(r.y.data()[16 * 149]));
    CHECK(!std::isnan(r.y.data()[16 * 149 + 1]));
  }
}

TEST_CASE_TEMPLATE("selective scan: bits do not depend on threads or on the batch", T, float, double) {
  const Problem<T> p(3, 100, 200, 16);
  const Outcome<T> one = run<Direction::forward>(p, 1);
  for (const int threads : {2, 3}) {
    const auto a = one.all(), b = run<Direction::forward>(p, threads).all();
    for (std::size_t i = 0; i < a.size(); ++i) {
      CAPTURE(a[i].first);
      CHECK(equal(a[i].second, b[i].second));
    }
  }
  for (Index b = 0; b < 3; ++b) {
    const auto whole = one.all(), alone = run<Direction::forward>(p.sequence(b)).all();
    for (std::size_t i = 0; i < 7; ++i) {
      CAPTURE(whole[i].first);
      CHECK(equal(whole[i].second.slice(b, b + 1).clone(), alone[i].second));
    }
  }
  // Gradients of weights sum over sequences: equal sequences at exchanged places give equal bits only in order, so compare
  // with the sum of what the sequences give alone.
  Cpu<T> sum = Cpu<T>::zeros(p.weights.A.shape());
  for (Index b = 0; b < 3; ++b) {
    const Outcome<T> alone = run<Direction::forward>(p.sequence(b));
    for (Index i = 0; i < sum.count(); ++i) sum.data()[i] += alone.gradients.A.data()[i];
  }
  CHECK(equal(sum, one.gradients.A));
}

TEST_CASE("selective scan: a long sequence, and the same in two parts") {
  Problem<float> p(1, 10000, 4, 16);
  for (float& d : p.input.delta.span()) d -= 3;
  check_close(run<Direction::forward>(p), run_generic<Direction::forward>(exact(p)), 1e-5);
  Context<cpu> context;
  Tensor<float> end;
  const auto whole = ops::selective_scan<Direction::forward>(context, p.input, p.weights, nullptr, &end);
  const auto part = [](const Cpu<float>& x, Index begin, Index count) {
    const Index c = x.size(2);
    return x.reshaped({x.size(1), c}).slice(begin, begin + count).clone().reshaped({1, count, c});
  };
  Tensor<float> state = p.input.initial_state;
  for (const auto& [begin, count] : {std::pair<Index, Index>{0, 4321}, {4321, 5679}}) {
    const ScanInput<float, cpu> in{part(p.input.u, begin, count), part(p.input.delta, begin, count),
                                   part(p.input.bc, begin, count), part(p.input.z, begin, count), state};
    const auto y = ops::selective_scan<Direction::forward>(context, in, p.weights, nullptr, &state);
    CHECK(equal(y, part(whole, begin, count)));
  }
  CHECK(equal(state, end));
}

TEST_CASE("selective scan: weight gradients add up, empty ones are left alone") {
  const Problem<double> p(2, 20, 18, 4);
  Context<cpu> context;
  ScanSaved<double, cpu> saved;
  ops::selective_scan<Direction::forward>(context, p.input, p.weights, &saved);
  ScanGradients<double, cpu> once, twice, none;
  give_gradients(p.weights, once);
  give_gradients(p.weights, twice);
  ops::selective_scan_backward<Direction::forward>(context, p.dy, {}, p.input, p.weights, saved, once);
  for (int i = 0; i < 2; ++i)
    ops::selective_scan_backward<Direction::forward>(context, p.dy, {}, p.input, p.weights, saved, twice);
  ops::selective_scan_backward<Direction::forward>(context, p.dy, {}, p.input, p.weights, saved, none);
  for (Index i = 0; i < once.A.count(); ++i) CHECK(twice.A.data()[i] == 2 * once.A.data()[i]);
  for (Index i = 0; i < 18; ++i) CHECK(twice.D.data()[i] == 2 * once.D.data()[i]);
  for (Index i = 0; i < 18; ++i) CHECK(twice.delta_bias.data()[i] == 2 * once.delta_bias.data()[i]);
  CHECK(equal(once.u, twice.u));
  CHECK(equal(once.u, none.u));
  CHECK(none.A.empty());
}

TEST_CASE("selective scan: shapes only, on meta") {
  Context<meta> context;
  using M = Tensor<float, meta>;
  const ScanInput<float, meta> in{M({2, 100, 48}), M({2, 100, 48}), M({2, 100, 32}), M({2, 100, 48}), {}};
  const ScanWeights<float, meta> w{M({48, 16}), M({48}), M({48}), true};
  ScanSaved<float, meta> saved;
  M state;
  CHECK(ops::selective_scan<Direction::forward>(context, in, w, &saved, &state).shape() == Shape{2, 100, 48});
  CHECK(saved.states.shape() == Shape{2, 2, 3, 16, 16});
  CHECK(state.shape() == Shape{2, 48, 16});
  ScanGradients<float, meta> g;
  g.A = M({48, 16});
  ops::selective_scan_backward<Direction::forward>(context, M({2, 100, 48}), {}, in, w, saved, g);
  CHECK(g.bc.shape() == Shape{2, 100, 32});
  CHECK(g.initial_state.empty());
}

TEST_CASE("selective scan: shapes that do not fit are refused by name") {
  Context<cpu> context;
  Problem<float> p(2, 5, 3, 4);
  SUBCASE("u and A") {
    p.weights.A = Tensor<float>({4, 4});
    CHECK_THROWS_WITH_AS(
        ops::selective_scan<Direction::forward>(context, p.input, p.weights),
        "selective_scan: u and A do not fit; expected u [B, L, E] with L of at least 1 and A [E, N], found "
        "[2, 5, 3] and [4, 4]",
        Error);
  }
  SUBCASE("bc") {
    p.input.bc = Tensor<float>({2, 5, 4});
    CHECK_THROWS_WITH_AS(ops::selective_scan<Direction::forward>(context, p.input, p.weights),
                         "selective_scan bc: shapes do not fit; expected [2, 5, 8], found [2, 5, 4]", Error);
  }
  SUBCASE("saved states of another scan") {
    ScanSaved<float, cpu> saved{Tensor<float>({2, 2, 1, 4, 16})};
    ScanGradients<float, cpu> g;
    CHECK_THROWS_WITH_AS(
        ops::selective_scan_backward<Direction::forward>(context, p.dy, p.dfinal, p.input, p.weights, saved, g),
        "selective_scan_backward saved states: shapes do not fit; expected [2, 1, 1, 4, 16], found [2, 2, 1, 4, 16]",
        Error);
  }
}
