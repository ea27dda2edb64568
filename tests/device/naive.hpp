#pragma once

#include <ligase/core/device.hpp>

#include <cstdlib>

/// The smallest device there is: memory, and the five primitives as serial loops. It knows no operation; that all of them
/// run on it shows that a new device needs nothing more.
namespace ligase::inline LIGASE_ISA::device {

struct naive {
  static constexpr bool holds_data = true;
  static constexpr bool on_host = true;
  static constexpr const char* name = "naive";
};

inline void* allocate(naive, Index bytes) {
  return std::aligned_alloc(64, static_cast<std::size_t>(bytes / 64 + 1) * 64);
}
inline void release(naive, void* p, Index) noexcept { std::free(p); }

}  // namespace ligase::inline LIGASE_ISA::device

// Tensor finds the two functions above by the tag.
#include <ligase/core/bfloat16.hpp>
#include <ligase/core/context.hpp>
#include <ligase/core/tensor.hpp>

namespace ligase::inline LIGASE_ISA::device {

template <class F>
void for_each(Context<naive>&, Index n, F f) {
  for (Index i = 0; i < n; ++i) f(i);
}
template <class F>
void for_rows(Context<naive>&, Index n, F f) {
  for (Index i = 0; i < n; ++i) f(i);
}

// Sums in the wide type of T, rounded once.
template <class T>
void gemm_nt(Context<naive>&, Index, const Tensor<T, naive>& a, const Tensor<T, naive>& b, Tensor<T, naive>& c) {
  const Index n = b.size(0), k = b.size(1), m = a.count() / k;
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) {
      wide_t<T> sum = 0;
      for (Index p = 0; p < k; ++p) sum += a.data()[i * k + p] * b.data()[j * k + p];
      c.data()[i * n + j] = sum;
    }
}
template <class T>
void gemm_nn(Context<naive>&, Index, const Tensor<T, naive>& a, const Tensor<T, naive>& b, Tensor<T, naive>& c) {
  const Index k = b.size(0), n = b.size(1), m = a.count() / k;
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) {
      wide_t<T> sum = 0;
      for (Index p = 0; p < k; ++p) sum += a.data()[i * k + p] * b.data()[p * n + j];
      c.data()[i * n + j] = sum;
    }
}
template <class T>
void gemm_tn_add(Context<naive>&, const Tensor<T, naive>& a, const Tensor<T, naive>& b, Tensor<wide_t<T>, naive>& c) {
  const Index n = c.size(0), k = c.size(1), m = a.count() / n;
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < k; ++j) {
      wide_t<T> sum = 0;
      for (Index p = 0; p < m; ++p) sum += a.data()[p * n + i] * b.data()[p * k + j];
      c.data()[i * k + j] += sum;
    }
}

}  // namespace ligase::inline LIGASE_ISA::device
