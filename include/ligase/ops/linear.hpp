#pragma once

#include <ligase/ops/generic/linear.hpp>

namespace ligase::inline LIGASE_ISA::ops {

/// Linear map of the last dimension: y = W x + b.
/// x: [..., I]   weight: [O, I]   bias: [O] or empty   y: [..., O]
/// The rows of x come in sequences of size(-2) (rows of one sequence share product tiles). O(rows O I) time.
/// Products of bfloat16 take the weight rounded to it and sum in float. Matches torch.nn.functional.linear.
template <Device D, class T>
Tensor<T, D> linear(Context<D>& context, const Tensor<T, D>& x, const Tensor<wide_t<T>, D>& weight,
                    const Tensor<wide_t<T>, D>& bias) {
  const Shape& in = x.shape();
  if (in.rank() < 2 || weight.shape().rank() != 2 || in[-1] != weight.size(1))
    throw Error{{.kind = ErrorKind::shape,
                 .what = "linear: input does not fit the weight",
                 .expected = "[..., " + std::to_string(weight.shape().rank() == 2 ? weight.size(1) : 0) + "]",
                 .found = in.text()}};
  if (!bias.empty()) check_shape("linear bias", {weight.size(0)}, bias.shape());
  Shape out;
  for (int i = 0; i + 1 < in.rank(); ++i) out.push_back(in[i]);
  out.push_back(weight.size(0));
  Tensor<T, D> y(out);
  using generic::linear_forward;
  linear_forward(context, x, weight, bias, y);
  return y;
}

/// dx (=); dweight and dbias (+=) where they are not empty.
template <Device D, class T>
Tensor<T, D> linear_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& x,
                             const Tensor<wide_t<T>, D>& weight, Tensor<wide_t<T>, D>& dweight,
                             Tensor<wide_t<T>, D>& dbias) {
  if (dy.shape()[-1] != weight.size(0) || dy.count() / weight.size(0) != x.count() / weight.size(1))
    throw Error{
        {.kind = ErrorKind::shape, .what = "linear_backward: gradient does not fit", .found = dy.shape().text()}};
  Tensor<T, D> dx(x.shape());
  using generic::linear_backward;
  linear_backward(context, dy, x, weight, dx, dweight, dbias);
  return dx;
}

}  // namespace ligase::inline LIGASE_ISA::ops
