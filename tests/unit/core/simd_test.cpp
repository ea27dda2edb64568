#include <doctest/doctest.h>

#include <ligase/core/random.hpp>
#include <ligase/core/simd.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

using namespace ligase;

#pragma GCC diagnostic ignored "-Wpsabi"  // packs wider than the machine's registers

namespace {

template <class T>
using P = simd::Pack<T>;

template <class T, class F, class G>
double worst_relative(double low, double high, F f, G expected) {
  double worst = 0;
  const int n = 40000;
  for (int i = 0; i < n; i += 16) {
    P<T> x{};
    for (int k = 0; k < 16; ++k) x[k] = static_cast<T>(low + (high - low) * (i + k) / (n - 1));
    const P<T> y = f(x);
    for (int k = 0; k < 16; ++k) {
      const auto e = expected(static_cast<long double>(x[k]));
      worst = std::max(worst, static_cast<double>(std::abs((static_cast<long double>(y[k]) - e) / e)));
    }
  }
  return worst;
}

long double softplus_of(long double x) { return x > 20 ? x : std::log1p(std::exp(x)); }
long double sigmoid_of(long double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

TEST_CASE_TEMPLATE("packs compute exp, softplus and sigmoid to the stated error", T, float, double) {
  const double bound = sizeof(T) == 4 ? 2e-7 : 4e-16, softer = 2 * bound;
  const double limit = sizeof(T) == 4 ? 86 : 700;
  const auto exp_of = [](long double x) { return std::exp(x); };
  const auto exp2_of = [](long double x) { return std::exp2(x); };
  CHECK(worst_relative<T>(
            -limit, limit, [](const P<T>& x) { return simd::exp(x); }, exp_of) < bound);
  CHECK(worst_relative<T>(
            -2, 2, [](const P<T>& x) { return simd::exp(x); }, exp_of) < bound);
  CHECK(worst_relative<T>(
            -124, 126, [](const P<T>& x) { return simd::exp2(x); }, exp2_of) < bound);
  CHECK(worst_relative<T>(
            -1, 1, [](const P<T>& x) { return simd::exp2(x); }, exp2_of) < bound);
  CHECK(worst_relative<T>(
            -80, 30, [](const P<T>& x) { return simd::softplus(x); }, softplus_of) < softer);
  CHECK(worst_relative<T>(
            -4, 4, [](const P<T>& x) { return simd::softplus(x); }, softplus_of) < softer);
  CHECK(worst_relative<T>(
            -80, 30, [](const P<T>& x) { return simd::sigmoid(x); }, sigmoid_of) < softer);
  CHECK(worst_relative<T>(
            -80, 30, [](const P<T>& x) { return simd::silu(x); }, [](long double x) { return x * sigmoid_of(x); }) < softer);
  const auto slope = [](const P<T>& x) {
    P<T> y;
    simd::softplus(x, y);
    return y;
  };
  CHECK(worst_relative<T>(-80, 20, slope, sigmoid_of) < softer);
  CHECK(worst_relative<T>(20.001, 60, slope, [](long double) { return 1.0L; }) == 0);
}

TEST_CASE_TEMPLATE("packs: far arguments stay finite and small ones exact", T, float, double) {
  P<T> x{};
  const T values[] = {0, T(-1e4), T(1e4), T(-3e30), T(3e30)};
  std::copy(std::begin(values), std::end(values), reinterpret_cast<T*>(&x));
  const P<T> e = simd::exp(x), p = simd::softplus(x), s = simd::sigmoid(x), two = simd::exp2(x);
  CHECK(e[0] == T(1));
  CHECK(two[0] == T(1));
  for (int k : {1, 3}) {
    CHECK(e[k] >= T(0));
    CHECK(e[k] < T(1e-37));
    CHECK(two[k] < T(1e-37));
    CHECK(p[k] < T(1e-37));
    CHECK(s[k] < T(1e-37));
  }
  for (int k : {2, 4}) {
    CHECK(std::isfinite(e[k]));
    CHECK(e[k] > T(1e38));
    CHECK(p[k] == values[k]);
    CHECK(s[k] == T(1));
  }
  CHECK(std::abs(p[0] - T(0.69314718055994530942)) < T(1e-7));
  CHECK(s[0] == T(0.5));
  x = simd::broadcast(std::numeric_limits<T>::quiet_NaN());
  CHECK(std::isnan(simd::softplus(x)[3]));
}

TEST_CASE_TEMPLATE("packs: decays close to 1 lose nothing but their last rounding", T, float, double) {
  const T half_unit = std::numeric_limits<T>::epsilon() / 4;  // below 1
  for (const double far : {1e-2, 1e-3, 1e-5}) {
    const double worst = worst_relative<T>(
        -far, 0, [](const P<T>& x) { return simd::exp2(x); }, [](long double x) { return std::exp2(x); });
    CHECK(worst < 1.2 * half_unit);
  }
}

TEST_CASE_TEMPLATE("packs: exp2 without clamping has the same bits", T, float, double) {
  const RandomStream random{7, 0, 0};
  for (int trial = 0; trial < 500; ++trial) {
    P<T> x{};
    for (int k = 0; k < 16; ++k) x[k] = static_cast<T>(250 * random.uniform(static_cast<std::uint64_t>(trial * 16 + k)) - 124.5);
    const P<T> a = simd::exp2(x), b = simd::exp2_within(x);
    for (int k = 0; k < 16; ++k) REQUIRE(a[k] == b[k]);
  }
}

TEST_CASE_TEMPLATE("a lane's bits do not depend on its place or its neighbours", T, float, double) {
  const RandomStream random{5, 0, 0};
  for (int trial = 0; trial < 200; ++trial) {
    P<T> x{};
    for (int k = 0; k < 16; ++k) x[k] = static_cast<T>(8 * random.normal(static_cast<std::uint64_t>(trial * 16 + k)));
    P<T> turned{};
    for (int k = 0; k < 16; ++k) turned[(k + 5) % 16] = x[k];
    const P<T> a[] = {simd::exp(x), simd::exp2(x), simd::softplus(x), simd::sigmoid(x)};
    const P<T> b[] = {simd::exp(turned), simd::exp2(turned), simd::softplus(turned), simd::sigmoid(turned)};
    for (int f = 0; f < 4; ++f)
      for (int k = 0; k < 16; ++k) REQUIRE(a[f][k] == b[f][(k + 5) % 16]);
  }
}

TEST_CASE_TEMPLATE("packs load and store part of their lanes and nothing else", T, float, double) {
  std::vector<T> from(33), to(33);
  for (int i = 0; i < 33; ++i) from[static_cast<std::size_t>(i)] = T(i + 1);
  for (Index n = 0; n <= 16; ++n) {
    std::fill(to.begin(), to.end(), T(-1));
    const P<T> x = simd::load(from.data() + 1, n);
    for (int k = 0; k < 16; ++k) CHECK(x[k] == (k < n ? T(k + 2) : T(0)));
    simd::store(to.data() + 3, simd::load(from.data() + 1), n);
    for (int i = 0; i < 33; ++i) CHECK(to[static_cast<std::size_t>(i)] == (i >= 3 && i < 3 + n ? T(i - 1) : T(-1)));
  }
}

TEST_CASE_TEMPLATE("packs: sums, products, larger and smaller", T, float, double) {
  P<T> x{}, y{};
  for (int k = 0; k < 16; ++k) {
    x[k] = T(k - 5);
    y[k] = T(7 - k);
  }
  CHECK(simd::sum(x) == T(40));
  P<T> many[16];
  const RandomStream random{6, 0, 0};
  for (int i = 0; i < 16; ++i)
    for (int k = 0; k < 16; ++k) many[i][k] = static_cast<T>(random.normal(static_cast<std::uint64_t>(16 * i + k)));
  const P<T> together = simd::sums(many);
  for (int i = 0; i < 16; ++i) CHECK(together[i] == simd::sum(many[i]));
  CHECK(simd::broadcast(T(3))[15] == T(3));
  const P<T> f = simd::fma(x, y, simd::broadcast(T(2))), larger = simd::max(x, y), smaller = simd::min(x, y),
             size = simd::abs(x);
  for (int k = 0; k < 16; ++k) {
    CHECK(f[k] == T((k - 5) * (7 - k) + 2));
    CHECK(larger[k] == T(std::max(k - 5, 7 - k)));
    CHECK(smaller[k] == T(std::min(k - 5, 7 - k)));
    CHECK(size[k] == T(std::abs(k - 5)));
  }
}
