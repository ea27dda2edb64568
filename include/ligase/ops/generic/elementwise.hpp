#pragma once

#include <ligase/core/bfloat16.hpp>
#include <ligase/core/tensor.hpp>
#include <ligase/ops/primitives.hpp>

namespace ligase::inline LIGASE_ISA::generic {

template <class T>
struct AddForward {
  const T* a;
  const T* b;
  T* y;
  LIGASE_HD void operator()(Index i) const { y[i] = a[i] + b[i]; }
};
template <class T>
struct MulForward {
  const T* a;
  const T* b;
  T* y;
  LIGASE_HD void operator()(Index i) const { y[i] = a[i] * b[i]; }
};
template <class T>
struct ScaleForward {
  const T* x;
  wide_t<T> factor;
  T* y;
  LIGASE_HD void operator()(Index i) const { y[i] = x[i] * factor; }
};

template <Device D, class T>
void add_forward(Context<D>& context, const Tensor<T, D>& a, const Tensor<T, D>& b, Tensor<T, D>& y) {
  for_each(context, a.count(), AddForward<T>{a.data(), b.data(), y.data()});
}
template <Device D, class T>
void mul_forward(Context<D>& context, const Tensor<T, D>& a, const Tensor<T, D>& b, Tensor<T, D>& y) {
  for_each(context, a.count(), MulForward<T>{a.data(), b.data(), y.data()});
}
template <Device D, class T>
void scale_forward(Context<D>& context, const Tensor<T, D>& x, wide_t<T> factor, Tensor<T, D>& y) {
  for_each(context, x.count(), ScaleForward<T>{x.data(), factor, y.data()});
}

}  // namespace ligase::inline LIGASE_ISA::generic
