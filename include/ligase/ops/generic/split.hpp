#pragma once

#include <ligase/core/tensor.hpp>
#include <ligase/ops/primitives.hpp>

namespace ligase::inline LIGASE_ISA::generic {

template <class T>
struct SplitRow {
  const T* x;
  Index a_width, b_width;
  T *a, *b;
  LIGASE_HD void operator()(Index row) const {
    const T* from = x + row * (a_width + b_width);
    for (Index j = 0; j < a_width; ++j) a[row * a_width + j] = from[j];
    for (Index j = 0; j < b_width; ++j) b[row * b_width + j] = from[a_width + j];
  }
};
template <class T>
struct ConcatRow {
  const T *a, *b;
  Index a_width, b_width;
  T* y;
  LIGASE_HD void operator()(Index row) const {
    T* to = y + row * (a_width + b_width);
    for (Index j = 0; j < a_width; ++j) to[j] = a[row * a_width + j];
    for (Index j = 0; j < b_width; ++j) to[a_width + j] = b[row * b_width + j];
  }
};

/// Rows of a tensor, all dimensions but the last.
inline Index row_count(const Shape& shape) {
  Index rows = 1;
  for (int i = 0; i + 1 < shape.rank(); ++i) rows *= shape[i];
  return rows;
}

template <Device D, class T>
void split_forward(Context<D>& context, const Tensor<T, D>& x, Tensor<T, D>& a, Tensor<T, D>& b) {
  for_rows(context, row_count(x.shape()), SplitRow<T>{x.data(), a.size(-1), b.size(-1), a.data(), b.data()});
}
template <Device D, class T>
void concat_forward(Context<D>& context, const Tensor<T, D>& a, const Tensor<T, D>& b, Tensor<T, D>& y) {
  for_rows(context, row_count(y.shape()), ConcatRow<T>{a.data(), b.data(), a.size(-1), b.size(-1), y.data()});
}

}  // namespace ligase::inline LIGASE_ISA::generic
