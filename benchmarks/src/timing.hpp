#pragma once

#include <ligase/core/platform.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>
#include <vector>

namespace ligase_benchmark {

using ligase::Index;

/// Seconds per call over the repetitions.
struct Timing {
  double median = 0, least = 0, most = 0;
  int repetitions = 0;

  double spread() const { return (most - least) / median; }
};

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Repetitions after a warm-up, each of as many calls as take `least_seconds`. A call that takes longer than 30 s is made once,
/// and no repetition is begun that would end after `budget` seconds in all; one there always is.
template <class F>
Timing measure(F f, double least_seconds = 0.02, double budget = std::numeric_limits<double>::infinity(),
               std::size_t repetitions = 5) {
  const double begin = now();
  const auto seconds = [&](Index calls) {
    const double start = now();
    for (Index i = 0; i < calls; ++i) f();
    return (now() - start) / static_cast<double>(calls);
  };
  double call = seconds(1);
  if (call > 30) return {call, call, call, 1};
  if (call < least_seconds) call = seconds(1);
  const auto calls = static_cast<Index>(std::max(1.0, least_seconds / std::max(call, 1e-7)));
  std::vector<double> times;
  do {
    times.push_back(seconds(calls));
  } while (times.size() < repetitions && now() - begin + times.back() * static_cast<double>(calls) < budget);
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times.front(), times.back(), static_cast<int>(times.size())};
}

}  // namespace ligase_benchmark
