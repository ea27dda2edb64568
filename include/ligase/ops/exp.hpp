#pragma once

#include <ligase/ops/generic/exp.hpp>

namespace ligase::inline LIGASE_ISA::ops {

/// y = -e^x, any shape: the state matrix A from A_log. Its derivative is y itself.
template <Device D, class T>
Tensor<T, D> negative_exp(Context<D>& context, const Tensor<T, D>& x) {
  Tensor<T, D> y(x.shape());
  using generic::negative_exp_forward;
  negative_exp_forward(context, x, y);
  return y;
}

}  // namespace ligase::inline LIGASE_ISA::ops
