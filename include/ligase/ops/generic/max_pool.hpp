#pragma once

#include <ligase/core/tensor.hpp>
#include <ligase/ops/primitives.hpp>

namespace ligase::inline LIGASE_ISA::generic {

/// Windows of `window` tokens side by side; a rest at the end of a sequence is left out.
template <class T>
struct MaxPoolForward {
  const T* x;
  Index length, width, window;
  T* y;
  LIGASE_HD void operator()(Index row) const {
    const Index out_length = length / window, b = row / out_length;
    const T* from = x + (b * length + row % out_length * window) * width;
    T* to = y + row * width;
    for (Index c = 0; c < width; ++c) to[c] = from[c];
    for (Index j = 1; j < window; ++j)
      for (Index c = 0; c < width; ++c) to[c] = takes(from[j * width + c], to[c]) ? from[j * width + c] : to[c];
  }
  /// Later tokens win only if they are larger or no number.
  static LIGASE_HD bool takes(T later, T best) { return later > best || later != later; }
};

/// One index per window and one for the rest of a sequence.
template <class T>
struct MaxPoolBackward {
  const T *dy, *x;
  Index length, width, window;
  T* dx;
  LIGASE_HD void operator()(Index i) const {
    const Index windows = length / window, b = i / (windows + 1), t = i % (windows + 1);
    const Index offset = (b * length + t * window) * width, size = t < windows ? window : length % window;
    for (Index j = 0; j < size; ++j)
      for (Index c = 0; c < width; ++c) dx[offset + j * width + c] = T(0);
    if (t == windows) return;
    const T* g = dy + (b * windows + t) * width;
    for (Index c = 0; c < width; ++c) {
      Index best = 0;
      for (Index j = 1; j < window; ++j)
        if (MaxPoolForward<T>::takes(x[offset + j * width + c], x[offset + best * width + c])) best = j;
      dx[offset + best * width + c] = g[c];
    }
  }
};

template <Device D, class T>
void max_pool_forward(Context<D>& context, const Tensor<T, D>& x, Index window, Tensor<T, D>& y) {
  for_rows(context, y.count() / y.size(2), MaxPoolForward<T>{x.data(), x.size(1), x.size(2), window, y.data()});
}
template <Device D, class T>
void max_pool_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& x, Index window,
                       Tensor<T, D>& dx) {
  for_rows(context, x.size(0) * (x.size(1) / window + 1),
           MaxPoolBackward<T>{dy.data(), x.data(), x.size(1), x.size(2), window, dx.data()});
}

}  // namespace ligase::inline LIGASE_ISA::generic
