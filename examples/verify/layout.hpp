#pragma once

#include <ligase/core/tensor.hpp>

namespace ligase_verify {

using namespace ligase;

/// [B, X, Y] -> [B, Y, X]: between our [B, L, D] and the channels-first files. With `reversed` the tokens, the second
/// dimension of `x`, are read from the last to the first.
template <class T>
Tensor<T, cpu> swap_last_two(const Tensor<T, cpu>& x, bool reversed = false) {
  if (x.shape().rank() != 3)
    throw Error{
        {.kind = ErrorKind::input, .what = "wrong shape", .expected = "three dimensions", .found = x.shape().text()}};
  const Index batch = x.size(0), rows = x.size(1), columns = x.size(2);
  Tensor<T, cpu> y({batch, columns, rows});
  for (Index b = 0; b < batch; ++b)
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < columns; ++j)
        y.data()[(b * columns + j) * rows + (reversed ? rows - 1 - i : i)] = x.data()[(b * rows + i) * columns + j];
  return y;
}

/// [B, ..., 2] -> [2 B, ...]: first all of the first, then all of the second.
template <class T>
Tensor<T, cpu> stack_last(const Tensor<T, cpu>& x) {
  const Index batch = x.size(0), inner = x.count() / (2 * batch);
  Tensor<T, cpu> y({2 * batch, inner});
  for (Index i = 0; i < batch * inner; ++i)
    for (Index s = 0; s < 2; ++s) y.data()[s * batch * inner + i] = x.data()[2 * i + s];
  return y;
}

/// [2 B, D] -> [B, D, 2]
template <class T>
Tensor<T, cpu> unstack_to_last(const Tensor<T, cpu>& x) {
  const Index batch = x.size(0) / 2, inner = x.size(1);
  Tensor<T, cpu> y({batch, inner, 2});
  for (Index i = 0; i < batch * inner; ++i)
    for (Index s = 0; s < 2; ++s) y.data()[2 * i + s] = x.data()[s * batch * inner + i];
  return y;
}

}  // namespace ligase_verify
