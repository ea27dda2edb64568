#include <doctest/doctest.h>

#include <ligase/core/random.hpp>
#include <ligase/io/safetensors.hpp>
#include <ligase/ops/scan.hpp>

#include <support/shared.hpp>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

using namespace ligase;

namespace {

template <class T>
using Cpu = Tensor<T, cpu>;

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
bool equal(const Cpu<T>& a, const Cpu<T>& b) {
  return a.shape() == b.shape() && std::equal(a.span().begin(), a.span().end(), b.span().begin());
}

template <class T>
Cpu<double> widened(const Cpu<T>& x) {
  Cpu<double> y(x.shape());
  std::copy(x.span().begin(), x.span().end(), y.span().begin());
  return y;
}

/// Exchanges the last two dimensions of [B, R, C].
template <class T>
Cpu<T> transposed(const Cpu<T>& x) {
  const Index b = x.size(0), r = x.size(1), c = x.size(2);
  Cpu<T> y({b, c, r});
  for (Index i = 0; i < x.count(); ++i) y.data()[i / (r * c) * r * c + i % c * r + i / c % r] = x.data()[i];
  return y;
}

/// Reverses the tokens of [B, L, C].
template <class T>
Cpu<T> flipped(const Cpu<T>& x) {
  Cpu<T> y(x.shape());
  const Index l = x.size(1), c = x.size(2);
  for (Index i = 0; i < x.count(); ++i) {
    const Index t = i / c % l;
    y.data()[i + (l - 1 - 2 * t) * c] = x.data()[i];
  }
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
  ScanSaved<T, cpu> saved{Cpu<T>({u[0], (u[1] + 63) / 64, a[1], u[2]})};
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
  for (const char* name : {"selective_scan_L37", "selective_scan_L300"}) {
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
