#pragma once

#include <ligase/ops/generic/transpose.hpp>

namespace ligase::inline LIGASE_ISA::ops {

/// Exchanges the last two dimensions: [B, L, C] -> [B, C, L]. Its own backward pass. O(count) time.
template <Device D, class T>
Tensor<T, D> transpose(Context<D>& context, const Tensor<T, D>& x) {
  if (x.shape().rank() != 3)
    throw Error{{.kind = ErrorKind::shape, .what = "transpose", .expected = "[B, L, C]", .found = x.shape().text()}};
  Tensor<T, D> y({x.size(0), x.size(2), x.size(1)});
  using generic::transpose_forward;
  transpose_forward(context, x, y);
  return y;
}

}  // namespace ligase::inline LIGASE_ISA::ops
