#pragma once

#include <ligase/core/bfloat16.hpp>
#include <ligase/core/math.hpp>
#include <ligase/core/tensor.hpp>
#include <ligase/ops/primitives.hpp>

namespace ligase::inline LIGASE_ISA::generic {

template <class T>
struct NegativeExp {
  const T* x;
  T* y;
  LIGASE_HD void operator()(Index i) const { y[i] = -math::exp(wide_t<T>(x[i])); }
};

template <Device D, class T>
void negative_exp_forward(Context<D>& context, const Tensor<T, D>& x, Tensor<T, D>& y) {
  for_each(context, x.count(), NegativeExp<T>{x.data(), y.data()});
}

}  // namespace ligase::inline LIGASE_ISA::generic
