#pragma once

#include <ligase/core/bfloat16.hpp>
#include <ligase/core/math.hpp>
#include <ligase/ops/generic/host_view.hpp>
#include <ligase/ops/primitives.hpp>

namespace ligase::inline LIGASE_ISA::generic {

template <class T>
struct SquaredError {
  const T* x;
  const wide_t<T>* target;
  wide_t<T>* terms;
  LIGASE_HD void operator()(Index i) const { terms[i] = (x[i] - target[i]) * (x[i] - target[i]); }
};
template <class T>
struct SquaredErrorBackward {
  const T* x;
  const wide_t<T>* target;
  wide_t<T> factor;
  T* dx;
  LIGASE_HD void operator()(Index i) const { dx[i] = factor * wide_t<T>(2) * (x[i] - target[i]); }
};
template <class T>
struct BinaryCrossEntropy {
  using W = wide_t<T>;
  const T* x;
  const W* target;
  W* terms;
  LIGASE_HD void operator()(Index i) const {
    const W v = x[i], size = v < W(0) ? -v : v;
    terms[i] = (v > W(0) ? v : W(0)) - v * target[i] + math::softplus(-size);
  }
};
template <class T>
struct BinaryCrossEntropyBackward {
  const T* x;
  const wide_t<T>* target;
  wide_t<T> factor;
  T* dx;
  LIGASE_HD void operator()(Index i) const { dx[i] = factor * (math::sigmoid(wide_t<T>(x[i])) - target[i]); }
};

/// The mean of all elements, 0 where there is none.
template <Device D, class T>
double host_mean(Context<D>& context, const Tensor<T, D>& x) {
  return x.count() == 0 ? 0 : host_sum(context, x) / static_cast<double>(x.count());
}
/// What an element adds to the gradient of a mean.
template <class T>
T per_element(double factor, Index count) {
  return static_cast<T>(count == 0 ? 0 : factor / static_cast<double>(count));
}

template <Device D, class T>
void squared_error_forward(Context<D>& context, const Tensor<T, D>& x, const Tensor<wide_t<T>, D>& target,
                           Tensor<wide_t<T>, D>& terms) {
  for_each(context, x.count(), SquaredError<T>{x.data(), target.data(), terms.data()});
}
template <Device D, class T>
void squared_error_backward(Context<D>& context, const Tensor<T, D>& x, const Tensor<wide_t<T>, D>& target,
                            wide_t<T> factor, Tensor<T, D>& dx) {
  for_each(context, x.count(), SquaredErrorBackward<T>{x.data(), target.data(), factor, dx.data()});
}
template <Device D, class T>
void binary_cross_entropy_forward(Context<D>& context, const Tensor<T, D>& x, const Tensor<wide_t<T>, D>& target,
                                  Tensor<wide_t<T>, D>& terms) {
  for_each(context, x.count(), BinaryCrossEntropy<T>{x.data(), target.data(), terms.data()});
}
template <Device D, class T>
void binary_cross_entropy_backward(Context<D>& context, const Tensor<T, D>& x, const Tensor<wide_t<T>, D>& target,
                                   wide_t<T> factor, Tensor<T, D>& dx) {
  for_each(context, x.count(), BinaryCrossEntropyBackward<T>{x.data(), target.data(), factor, dx.data()});
}

}  // namespace ligase::inline LIGASE_ISA::generic
