#pragma once

#include <ligase/core/simd.hpp>
#include <ligase/ops/generic/max_pool.hpp>

#include <algorithm>

/// Windows of two tokens with lanes of 16 channels; other windows take the generic loops.
namespace ligase::inline LIGASE_ISA::device {
namespace max_pool_cpu {

using simd::lanes;
using simd::Pack;

/// Lanes where the second token wins: it is larger, or no number.
template <class T>
LIGASE_INLINE auto second_wins(const Pack<T>& first, const Pack<T>& second) {
  return (second > first) | (second != second);
}

}  // namespace max_pool_cpu

template <class T>
void max_pool_forward(Context<cpu>& context, const Tensor<T, cpu>& x, Index window, Tensor<T, cpu>& y) {
  using namespace max_pool_cpu;
  if (window != 2) return generic::max_pool_forward(context, x, window, y);
  const Index length = x.size(1), width = x.size(2), windows = length / 2;
  T* const out = y.data();
  parallel_for(context.threads, x.size(0), [&](Index b) {
    for (Index t = 0; t < windows; ++t)
      for (Index c = 0; c < width; c += lanes) {
        const Index n = std::min(lanes, width - c);
        const T* from = x.data() + (b * length + 2 * t) * width + c;
        const Pack<T> first = simd::load(from, n), second = simd::load(from + width, n);
        simd::store(out + (b * windows + t) * width + c, second_wins<T>(first, second) ? second : first, n);
      }
  });
}

template <class T>
void max_pool_backward(Context<cpu>& context, const Tensor<T, cpu>& dy, const Tensor<T, cpu>& x, Index window,
                       Tensor<T, cpu>& dx) {
  using namespace max_pool_cpu;
  if (window != 2) return generic::max_pool_backward(context, dy, x, window, dx);
  const Index length = x.size(1), width = x.size(2), windows = length / 2;
  T* const out = dx.data();
  parallel_for(context.threads, x.size(0), [&](Index b) {
    for (Index t = 0; t < windows; ++t)
      for (Index c = 0; c < width; c += lanes) {
        const Index n = std::min(lanes, width - c), at = (b * length + 2 * t) * width + c;
        const Pack<T> first = simd::load(x.data() + at, n), second = simd::load(x.data() + at + width, n);
        const Pack<T> g = simd::load(dy.data() + (b * windows + t) * width + c, n);
        const auto wins = second_wins<T>(first, second);
        simd::store(out + at, wins ? Pack<T>{} : g, n);
        simd::store(out + at + width, wins ? g : Pack<T>{}, n);
      }
    std::fill_n(out + (b * length + 2 * windows) * width, length % 2 * width, T(0));
  });
}

}  // namespace ligase::inline LIGASE_ISA::device
