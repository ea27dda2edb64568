#pragma once

#include <ligase/ops/cpu/conv1d.hpp>
#include <ligase/ops/generic/conv1d.hpp>

#include <type_traits>

namespace ligase::inline LIGASE_ISA::ops {

namespace detail {
/// The kernels of `cpu` are written for float and double.
template <Device D, class T>
inline constexpr bool runs_generic_code = std::is_same_v<D, cpu> && !std::is_same_v<T, wide_t<T>>;

template <class T, Device D>
void check_conv1d(const Tensor<T, D>& x, const Tensor<wide_t<T>, D>& weight, const Tensor<wide_t<T>, D>& bias) {
  const Shape &in = x.shape(), &w = weight.shape();
  if (in.rank() != 3 || w.rank() != 3 || w[0] != in[2] || w[1] != 1 || w[2] < 1)
    throw Error{{.kind = ErrorKind::shape,
                 .what = "causal_conv1d: input and weight do not fit",
                 .expected = "[B, L, E] and [E, 1, K]",
                 .found = in.text() + " and " + w.text()}};
  if (!bias.empty()) check_shape("causal_conv1d bias", {in[2]}, bias.shape());
}
}  // namespace detail

/// Causal depthwise convolution: y_t = bias + sum_j weight[j] x_{t - (K - 1) + j}, x = 0 before the first token. Walking in
/// reverse the taps look ahead: y_t = bias + sum_j weight[j] x_{t + (K - 1) - j}.
/// x, y: [B, L, E]   weight: [E, 1, K]   bias: [E] or empty. O(B L E K) time.
/// Forward matches torch.nn.Conv1d with groups = E and padding K - 1, cut to the first L outputs.
template <Direction dir, Device D, class T>
Tensor<T, D> causal_conv1d(Context<D>& context, const Tensor<T, D>& x, const Tensor<wide_t<T>, D>& weight,
                           const Tensor<wide_t<T>, D>& bias) {
  detail::check_conv1d(x, weight, bias);
  Tensor<T, D> y(x.shape());
  if constexpr (detail::runs_generic_code<D, T>) {
    generic::causal_conv1d_forward<dir>(context, x, weight, bias, y);
  } else {
    using generic::causal_conv1d_forward;
    causal_conv1d_forward<dir>(context, x, weight, bias, y);
  }
  return y;
}

/// dx (=); dweight and dbias (+=) where they are not empty, summed over tokens in an order that depends on B and L alone.
template <Direction dir, Device D, class T>
Tensor<T, D> causal_conv1d_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& x,
                                    const Tensor<wide_t<T>, D>& weight, Tensor<wide_t<T>, D>& dweight,
                                    Tensor<wide_t<T>, D>& dbias) {
  detail::check_conv1d(x, weight, dbias);
  check_shape("causal_conv1d_backward dy", x.shape(), dy.shape());
  if (!dweight.empty()) check_shape("causal_conv1d_backward gradient of the weight", weight.shape(), dweight.shape());
  Tensor<T, D> dx(x.shape());
  if constexpr (detail::runs_generic_code<D, T>) {
    generic::causal_conv1d_backward<dir>(context, dy, x, weight, dx, dweight, dbias);
  } else {
    using generic::causal_conv1d_backward;
    causal_conv1d_backward<dir>(context, dy, x, weight, dx, dweight, dbias);
  }
  return dx;
}

}  // namespace ligase::inline LIGASE_ISA::ops
