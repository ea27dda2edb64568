#pragma once

#include <ligase/core/bfloat16.hpp>
#include <ligase/core/math.hpp>
#include <ligase/core/tensor.hpp>
#include <ligase/ops/primitives.hpp>

namespace ligase::inline LIGASE_ISA::generic {

/// x sigmoid(x) and its derivative.
template <class T>
LIGASE_HD T silu_value(T x) {
  return x * math::sigmoid(x);
}
template <class T>
LIGASE_HD T silu_slope(T x) {
  const T s = math::sigmoid(x);
  return s * (T(1) + x * (T(1) - s));
}

template <class T>
struct SiluForward {
  const T* x;
  T* y;
  LIGASE_HD void operator()(Index i) const { y[i] = silu_value(wide_t<T>(x[i])); }
};
template <class T>
struct SiluBackward {
  const T* dy;
  const T* x;
  T* dx;
  LIGASE_HD void operator()(Index i) const { dx[i] = dy[i] * silu_slope(wide_t<T>(x[i])); }
};
template <class T>
struct GateForward {
  const T* x;
  const T* z;
  T* y;
  LIGASE_HD void operator()(Index i) const { y[i] = x[i] * silu_value(wide_t<T>(z[i])); }
};
template <class T>
struct GateBackward {
  const T* dy;
  const T* x;
  const T* z;
  T* dx;
  T* dz;
  LIGASE_HD void operator()(Index i) const {
    dx[i] = dy[i] * silu_value(wide_t<T>(z[i]));
    dz[i] = dy[i] * x[i] * silu_slope(wide_t<T>(z[i]));
  }
};

template <Device D, class T>
void silu_forward(Context<D>& context, const Tensor<T, D>& x, Tensor<T, D>& y) {
  for_each(context, x.count(), SiluForward<T>{x.data(), y.data()});
}
template <Device D, class T>
void silu_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& x, Tensor<T, D>& dx) {
  for_each(context, x.count(), SiluBackward<T>{dy.data(), x.data(), dx.data()});
}
template <Device D, class T>
void gate_forward(Context<D>& context, const Tensor<T, D>& x, const Tensor<T, D>& z, Tensor<T, D>& y) {
  for_each(context, x.count(), GateForward<T>{x.data(), z.data(), y.data()});
}
template <Device D, class T>
void gate_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& x, const Tensor<T, D>& z,
                   Tensor<T, D>& dx, Tensor<T, D>& dz) {
  for_each(context, x.count(), GateBackward<T>{dy.data(), x.data(), z.data(), dx.data(), dz.data()});
}

}  // namespace ligase::inline LIGASE_ISA::generic
