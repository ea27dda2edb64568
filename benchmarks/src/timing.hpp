#pragma once

#include <ligase/core/context.hpp>
#include <ligase/core/math.hpp>
#include <ligase/core/parallel.hpp>
#include <ligase/core/tensor.hpp>
#include <ligase/ops/primitives.hpp>

#include <algorithm>
#include <chrono>
#include <vector>

namespace ligase_benchmark {

using ligase::Index;

/// A vector of the instruction set that this file is compiled for, and the floats in it.
using Vector = Eigen::internal::packet_traits<float>::type;
inline constexpr int lanes = Eigen::internal::packet_traits<float>::size;

/// Median of repetitions in seconds per call, and (largest - smallest) / median.
struct Timing {
  double median = 0, spread = 0;
};

template <class F>
double seconds(F& f, Index calls) {
  const auto start = std::chrono::steady_clock::now();
  for (Index i = 0; i < calls; ++i) f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / static_cast<double>(calls);
}

/// Five repetitions after a warm-up, each of as many calls as take 20 ms; one where a call takes longer than 30 s.
template <class F>
Timing measure(F f) {
  const double first = seconds(f, 1);
  if (first > 30) return {first, 0};
  const auto calls = static_cast<Index>(std::max(1.0, 0.02 / std::max(seconds(f, 1), 1e-7)));
  std::vector<double> times;
  for (int i = 0; i < 5; ++i) times.push_back(seconds(f, calls));
  std::sort(times.begin(), times.end());
  return {times[2], (times[4] - times[0]) / times[2]};
}

/// What the machine does at best on this many threads, per second.
struct Limits {
  double product = 0;           ///< floating-point operations of a large matrix product of the library in use
  double copy = 0;              ///< bytes read plus bytes written by a copy of 256 MiB
  double exps = 0;              ///< our exponentials, in the first-level cache
  double fma_instructions = 0;  ///< vector fused multiply-adds
};

/// Twelve independent chains of vector multiply-adds, so that latency does not count; a value that depends on all.
inline float multiply_adds(Index rounds, float a) {
  using namespace Eigen::internal;
  constexpr int chains = 12;
  const Vector factor = pset1<Vector>(a), term = pset1<Vector>(0.25f);
  Vector x[chains];
  for (int k = 0; k < chains; ++k) x[k] = pset1<Vector>(static_cast<float>(k));
  for (Index i = 0; i < rounds; ++i)
    for (int k = 0; k < chains; ++k) x[k] = pmadd(x[k], factor, term);
  for (int k = 1; k < chains; ++k) x[0] = padd(x[0], x[k]);
  return predux(x[0]);
}

inline void exponentials(Index n, float* v) {
  for (Index i = 0; i < n; ++i) v[i] = ligase::math::exp(-v[i]);
}

inline Limits measure_limits(int threads) {
  using namespace ligase;
  Limits limits;
  Context<cpu> context;
  context.threads = threads;
  {
    constexpr Index n = 1536;
    auto a = Tensor<float>::zeros({n, n}), b = a.clone(), c = a.clone();
    limits.product = 2.0 * n * n * n / measure([&] { gemm_nn(context, n, a, b, c); }).median;
  }
  {
    constexpr Index n = Index{1} << 26;
    auto a = Tensor<float>::zeros({n}), b = a.clone();
    const auto copy = [&] {
      parallel_blocks(threads, n, 1 << 18,
                      [&](Index begin, Index end) { std::copy(a.data() + begin, a.data() + end, b.data() + begin); });
    };
    limits.copy = 8.0 * n / measure(copy).median;
  }
  {
    constexpr Index n = 4096, rounds = 2000;
    auto x = Tensor<float>::zeros({threads, n});
    const auto exps = [&] {
      parallel_for(threads, threads, [&](Index thread) {
        for (Index r = 0; r < rounds; ++r) exponentials(n, x.data() + thread * n);
      });
    };
    limits.exps = static_cast<double>(threads) * n * rounds / measure(exps).median;
  }
  {
    constexpr Index rounds = 1000000;
    auto sink = Tensor<float>::zeros({threads, 16});
    const auto work = [&] {
      parallel_for(threads, threads, [&](Index thread) {
        sink.data()[thread * 16] = multiply_adds(rounds, 0.5f + 1e-9f * sink.data()[thread * 16]);
      });
    };
    limits.fma_instructions = 12.0 * rounds * threads / measure(work).median;
  }
  return limits;
}

}  // namespace ligase_benchmark
