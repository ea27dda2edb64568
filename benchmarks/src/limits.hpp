#pragma once

#include "timing.hpp"

#include <ligase/core/context.hpp>
#include <ligase/core/simd.hpp>
#include <ligase/core/tensor.hpp>
#include <ligase/io/json.hpp>
#include <ligase/ops/primitives.hpp>

#include <benchmark/benchmark.h>
#include <Eigen/Core>

#include <cstring>
#include <utility>
#include <vector>

namespace ligase_benchmark {

/// A vector of the instruction set that this file is compiled for, and the floats in it.
using Vector = Eigen::internal::packet_traits<float>::type;
inline constexpr int lanes = Eigen::internal::packet_traits<float>::size;

/// Fused multiply-add instructions of a selective scan per vector of (token, channel, state) elements, all that a lane has to do.
inline constexpr double scan_instructions = 9;

/// Memory traffic at a size of the working set.
struct Stream {
  double bytes = 0;  ///< read and written in one pass
  double rate = 0;   ///< bytes per second of the fastest of: sum, copy, elementwise add; on one thread or on all
};

/// What the machine does at best, per second; each the fastest of fifteen repetitions.
struct Limits {
  int threads = 1;
  double product = 0;         ///< floating-point operations of a large matrix product of the library in use
  double copy = 0;            ///< bytes read plus bytes written by a copy of 256 MiB
  double exps = 0;            ///< exponentials, in the first-level cache
  double fma = 0;             ///< vector fused multiply-adds
  double fma_one_thread = 0;  ///< the same on one thread
  std::vector<Stream> streams;

  /// Bytes per second for a working set of this size: the highest rate measured at it or at any larger size.
  double stream(double bytes) const {
    double rate = 0;
    for (std::size_t i = 0; i < streams.size(); ++i)
      if (i + 1 == streams.size() || streams[i + 1].bytes > bytes) rate = std::max(rate, streams[i].rate);
    return rate;
  }
  /// Seconds of one thread for so many (token, channel, state) elements.
  double scan_seconds(double elements) const { return scan_instructions * elements / lanes / fma_one_thread; }

  ligase::OrderedJson json() const {
    ligase::OrderedJson sizes = ligase::OrderedJson::array();
    for (const Stream& s : streams) sizes.push_back({{"bytes", s.bytes}, {"bytes_per_s", s.rate}});
    return {{"threads", threads},
            {"product_flop_per_s", product},
            {"copy_bytes_per_s", copy},
            {"exps_per_s", exps},
            {"fma_instructions_per_s", fma},
            {"fma_instructions_per_s_one_thread", fma_one_thread},
            {"vector_lanes", lanes},
            {"streams", sizes}};
  }
  /// From what json() gave.
  static Limits from_json(const ligase::OrderedJson& j) {
    Limits l{j.at("threads"),
             j.at("product_flop_per_s"),
             j.at("copy_bytes_per_s"),
             j.at("exps_per_s"),
             j.at("fma_instructions_per_s"),
             j.at("fma_instructions_per_s_one_thread"),
             {}};
    for (const auto& s : j.at("streams")) l.streams.push_back({s.at("bytes"), s.at("bytes_per_s")});
    return l;
  }
};

namespace detail {

/// How often f is done per second at best.
template <class F>
double rate(F f) {
  return 1 / measure(f, 0.005, std::numeric_limits<double>::infinity(), 15).least;
}
/// The same for work(thread) on every thread.
template <class F>
double rate(int threads, F work) {
  return rate([&] { ligase::parallel_for(threads, threads, work); });
}

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
inline double fma_rate(int threads) {
  constexpr Index rounds = 1000000;
  return 12.0 * rounds * threads * rate(threads, [](Index) { benchmark::DoNotOptimize(multiply_adds(rounds, 0.5f)); });
}

/// 2^x for x in reach, as the scan computes it: the cheapest of our exponentials. n: a multiple of 16.
[[gnu::noinline]] inline void exponentials(Index n, float* v) {
  namespace simd = ligase::simd;
  for (Index i = 0; i < n; i += simd::lanes) simd::store(v + i, simd::exp2_within(-simd::load(v + i)));
}
inline double exp_rate(int threads) {
  constexpr Index n = 2048, rounds = 5000;
  return static_cast<double>(threads) * n * rounds * rate(threads, [](Index) {
           alignas(64) float v[n] = {};
           for (Index r = 0; r < rounds; ++r) exponentials(n, v);
           benchmark::DoNotOptimize(v[0]);
         });
}

/// Eigen's own product of large matrices, rows split over the threads, or ours where that is faster.
inline double product_rate(int threads) {
  using namespace ligase;
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  constexpr Index n = 1024;
  const double flops = 2.0 * n * n * n * threads;
  auto a = Tensor<float>::zeros({threads * n, n}), b = Tensor<float>::zeros({n, n}), c = a.clone();
  const double whole = rate(threads, [&](Index thread) {
    Eigen::Map<Matrix>(c.data() + thread * n * n, n, n).noalias() =
        Eigen::Map<const Matrix>(a.data() + thread * n * n, n, n) * Eigen::Map<const Matrix>(b.data(), n, n);
  });
  Context<cpu> context;
  context.threads = threads;
  return flops * std::max(whole, rate([&] { gemm_nn(context, n, a, b, c); }));
}

inline float sum(const float* x, Index n) {
  using namespace ligase;
  constexpr Index step = 8 * simd::lanes;
  simd::Pack<float> s[8] = {};
  for (Index i = 0; i + step <= n; i += step)
    for (Index k = 0; k < 8; ++k) s[k] += simd::load(x + i + k * simd::lanes);
  for (Index k = 1; k < 8; ++k) s[0] += s[k];
  return simd::sum(s[0]);
}
inline void add(const float* a, const float* b, float* y, Index n) {
  for (Index i = 0; i < n; ++i) y[i] = a[i] + b[i];
}

/// Bytes read and written per second, every thread over a part of `bytes` of its own, by a sum, a copy, or an elementwise add.
enum class Pass { sum, copy, add };
inline double stream_rate(int threads, Pass pass, double bytes, float* memory) {
  const Index arrays = pass == Pass::sum ? 1 : pass == Pass::copy ? 2 : 3;
  const auto part = static_cast<Index>(bytes) / 4 / threads, n = part / arrays / 128 * 128;
  const auto rounds = static_cast<Index>(std::max(1.0, 16e6 / bytes));
  return 4.0 * static_cast<double>(n * arrays * threads * rounds) * rate(threads, [&](Index thread) {
           float* x = memory + thread * part / 16 * 16;
           for (Index r = 0; r < rounds; ++r) {
             if (pass == Pass::sum) benchmark::DoNotOptimize(sum(x, n));
             if (pass == Pass::copy) std::memcpy(x + n, x, static_cast<std::size_t>(n) * sizeof(float));
             if (pass == Pass::add) add(x, x + n, x + 2 * n, n);
             benchmark::ClobberMemory();
           }
         });
}

}  // namespace detail

inline Limits measure_limits(int threads) {
  using detail::Pass;
  Limits limits;
  limits.threads = threads;
  limits.product = detail::product_rate(threads);
  limits.exps = detail::exp_rate(threads);
  limits.fma = detail::fma_rate(threads);
  limits.fma_one_thread = threads == 1 ? limits.fma : detail::fma_rate(1);

  constexpr double largest = 512 << 20;
  auto memory = ligase::Tensor<float>::zeros({static_cast<Index>(largest) / 4});
  for (double bytes = 32 << 10; bytes <= largest; bytes *= 4) {
    Stream s{bytes, 0};
    for (const Pass pass : {Pass::sum, Pass::copy, Pass::add})
      for (const int team : {1, threads})
        s.rate = std::max(s.rate, detail::stream_rate(team, pass, bytes, memory.data()));
    limits.streams.push_back(s);
  }
  limits.copy = detail::stream_rate(threads, Pass::copy, largest, memory.data());
  return limits;
}

}  // namespace ligase_benchmark
