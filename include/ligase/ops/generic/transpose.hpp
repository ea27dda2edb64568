#pragma once

#include <ligase/core/tensor.hpp>
#include <ligase/ops/primitives.hpp>

namespace ligase::inline LIGASE_ISA::generic {

template <class T>
struct Transpose {
  const T* x;
  Index rows, columns;
  T* y;
  LIGASE_HD void operator()(Index i) const {
    const Index c = i / rows % columns, r = i % rows, b = i / rows / columns;
    y[i] = x[(b * rows + r) * columns + c];
  }
};

template <Device D, class T>
void transpose_forward(Context<D>& context, const Tensor<T, D>& x, Tensor<T, D>& y) {
  for_each(context, x.count(), Transpose<T>{x.data(), x.size(1), x.size(2), y.data()});
}

}  // namespace ligase::inline LIGASE_ISA::generic
