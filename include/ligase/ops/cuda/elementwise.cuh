#pragma once

#include <ligase/ops/cuda/rows.cuh>
#include <ligase/ops/elementwise.hpp>

#include <type_traits>

namespace ligase::inline LIGASE_ISA::kernels {

struct Sum {
  template <class W>
  LIGASE_HD W operator()(W a, W b) const {
    return a + b;
  }
};
struct Product {
  template <class W>
  LIGASE_HD W operator()(W a, W b) const {
    return a * b;
  }
};

/// y[i] = f(a[i], b[i]), N elements per thread; the last thread takes what is left one by one.
template <int N, class F, class T>
__global__ void __launch_bounds__(block_threads) combine(Index count, const T* a, const T* b, T* y, F f) {
  using W = wide_t<T>;
  const Index i = (static_cast<Index>(blockIdx.x) * block_threads + threadIdx.x) * N;
  if (i + N <= count) {
    const auto u = *reinterpret_cast<const Vector<T, N>*>(a + i), v = *reinterpret_cast<const Vector<T, N>*>(b + i);
    Vector<T, N> w;
#pragma unroll
    for (int e = 0; e < N; ++e)
      w.element[e] = static_cast<T>(f(static_cast<W>(u.element[e]), static_cast<W>(v.element[e])));
    *reinterpret_cast<Vector<T, N>*>(y + i) = w;
  } else {
    for (Index k = i; k < count; ++k) y[k] = static_cast<T>(f(static_cast<W>(a[k]), static_cast<W>(b[k])));
  }
}

}  // namespace ligase::inline LIGASE_ISA::kernels

namespace ligase::inline LIGASE_ISA::device {
namespace elementwise_cuda {

/// 16 bytes per access where the addresses allow it.
template <class F, class T>
void combine(Index count, const T* a, const T* b, T* y, F f) {
  constexpr int most = 16 / static_cast<int>(sizeof(T));
  const auto run = [&](auto n) {
    launch({.blocks = kernels::blocks_of(count, Index{kernels::block_threads} * n.value),
            .threads = kernels::block_threads},
           kernels::combine<n.value, F, T>, count, a, b, y, f);
  };
  if (kernels::is_aligned(a, most) && kernels::is_aligned(b, most) && kernels::is_aligned(y, most))
    run(std::integral_constant<int, most>{});
  else
    run(std::integral_constant<int, 1>{});
}

}  // namespace elementwise_cuda

template <class T>
void add_forward(Context<cuda>&, const Tensor<T, cuda>& a, const Tensor<T, cuda>& b, Tensor<T, cuda>& y) {
  elementwise_cuda::combine(a.count(), a.data(), b.data(), y.data(), kernels::Sum{});
}
template <class T>
void mul_forward(Context<cuda>&, const Tensor<T, cuda>& a, const Tensor<T, cuda>& b, Tensor<T, cuda>& y) {
  elementwise_cuda::combine(a.count(), a.data(), b.data(), y.data(), kernels::Product{});
}

}  // namespace ligase::inline LIGASE_ISA::device
