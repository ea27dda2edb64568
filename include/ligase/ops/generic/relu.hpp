#pragma once

#include <ligase/core/tensor.hpp>
#include <ligase/ops/primitives.hpp>

namespace ligase::inline LIGASE_ISA::generic {

template <class T>
struct ReluForward {
  const T* x;
  T* y;
  LIGASE_HD void operator()(Index i) const { y[i] = x[i] < T(0) ? T(0) : x[i]; }
};
template <class T>
struct ReluBackward {
  const T *dy, *x;
  T* dx;
  LIGASE_HD void operator()(Index i) const { dx[i] = x[i] > T(0) ? dy[i] : T(0); }
};

template <Device D, class T>
void relu_forward(Context<D>& context, const Tensor<T, D>& x, Tensor<T, D>& y) {
  for_each(context, x.count(), ReluForward<T>{x.data(), y.data()});
}
template <Device D, class T>
void relu_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& x, Tensor<T, D>& dx) {
  for_each(context, x.count(), ReluBackward<T>{dy.data(), x.data(), dx.data()});
}

}  // namespace ligase::inline LIGASE_ISA::generic
