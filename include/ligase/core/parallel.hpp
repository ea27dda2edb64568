#pragma once

#include <ligase/core/platform.hpp>

#include <algorithm>
#include <type_traits>

#if defined(_OPENMP)
#include <omp.h>
#endif

namespace ligase::inline LIGASE_ISA {

/// Processors that this process may use.
inline int available_threads() {
#if defined(_OPENMP)
  return omp_get_num_procs();
#else
  return 1;
#endif
}

namespace detail {

/// Compiled once: call(f, i) for i = 0 .. n-1.
[[gnu::noinline]] inline void run_parallel(int threads, Index n, void* f, void (*call)(void* f, Index i)) {
#if defined(_OPENMP)
  const int team = static_cast<int>(std::min<Index>(threads, n));
  if (team > 1 && !omp_in_parallel()) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(team)
    for (Index i = 0; i < n; ++i) call(f, i);
    return;
  }
#else
  (void)threads;
#endif
  for (Index i = 0; i < n; ++i) call(f, i);
}

}  // namespace detail

/// Runs f(i) for i = 0 .. n-1 on up to `threads` threads. f must write to places of its own: which thread runs which i
/// never changes a result. f must not throw.
template <class F>
void parallel_for(int threads, Index n, F&& f) {
  using Function = std::remove_reference_t<F>;
  detail::run_parallel(threads, n, const_cast<void*>(static_cast<const void*>(&f)),
                       [](void* function, Index i) { (*static_cast<Function*>(function))(i); });
}

/// The same over blocks of at most `grain` consecutive indices: f(begin, end).
template <class F>
void parallel_blocks(int threads, Index n, Index grain, F&& f) {
  parallel_for(threads, (n + grain - 1) / grain,
               [&](Index block) { f(block * grain, std::min(n, (block + 1) * grain)); });
}

}  // namespace ligase::inline LIGASE_ISA
