#pragma once

#include <ligase/ops/elementwise.hpp>
#include <ligase/ops/generic/add_norm.hpp>
#include <ligase/ops/norm.hpp>
#include <ligase/ops/strands.hpp>

#include <type_traits>

namespace ligase::inline LIGASE_ISA::ops {

/// Devices for which the residual's sum and the norm behind it are one operation; the others run the plain wiring.
template <Device D>
inline constexpr bool has_fused_add_norm = std::is_same_v<D, cuda>;

/// What it keeps for its backward pass.
template <class T, Device D>
struct AddNormSaved {
  Tensor<T, D> sum;
  NormStatistics<T, D> statistics;
};

template <class T, Device D>
struct AddNormResult {
  Tensor<T, D> y, sum;
};

/// The residual stream and its norm: sum = a + b, or a where `b` is empty; with `exchange` its strands change places
/// (exchange_strands); y = rms_norm(sum), or with rms = false layer_norm(sum).
/// a, b, sum, y: [..., D], [2 B, L, D] with `exchange`   weight: [D]   bias: [D] or empty. O(count) time.
/// In 16 bits the sum is rounded before it is normalised. Equal to the plain operations up to the order of a norm's sums.
template <Device D, class T>
AddNormResult<T, D> add_norm(Context<D>& context, const Tensor<T, D>& a, const Tensor<T, D>& b, bool exchange,
                             const Tensor<wide_t<T>, D>& weight, const Tensor<wide_t<T>, D>& bias, double eps, bool rms,
                             std::type_identity_t<AddNormSaved<T, D>>* saved = nullptr) {
  detail::check_norm("add_norm weight", a.shape(), weight.shape());
  if (!bias.empty()) check_shape("add_norm bias", weight.shape(), bias.shape());
  if (!b.empty()) check_shape("add_norm", a.shape(), b.shape());
  if (exchange) detail::check_strands("add_norm", a.shape());
  AddNormResult<T, D> result{Tensor<T, D>(a.shape()), b.empty() && !exchange ? a : Tensor<T, D>(a.shape())};
  NormStatistics<T, D> statistics;
  if (saved != nullptr) {
    statistics.inverse = Tensor<wide_t<T>, D>(detail::rows_of(a.shape()));
    if (!rms) statistics.mean = Tensor<wide_t<T>, D>(detail::rows_of(a.shape()));
  }
  using generic::add_norm_forward;
  add_norm_forward(context, a, b, exchange, weight, bias, static_cast<wide_t<T>>(eps), rms, result.sum, result.y,
                   statistics.inverse, statistics.mean);
  if (saved != nullptr) *saved = {result.sum, statistics};
  return result;
}

/// The gradient of a, and of b where there was one, for those of y and of sum (`dsum`, empty: none); dweight and dbias (+=)
/// where they are not empty.
template <Device D, class T>
Tensor<T, D> add_norm_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& dsum,
                               const AddNormSaved<T, D>& saved, const Tensor<wide_t<T>, D>& weight, bool exchange,
                               Tensor<wide_t<T>, D>& dweight, Tensor<wide_t<T>, D>& dbias) {
  check_shape("add_norm_backward dy", saved.sum.shape(), dy.shape());
  if (!dsum.empty()) check_shape("add_norm_backward dsum", saved.sum.shape(), dsum.shape());
  if (!dweight.empty()) check_shape("add_norm_backward gradient of the weight", weight.shape(), dweight.shape());
  if (!dbias.empty()) check_shape("add_norm_backward gradient of the bias", weight.shape(), dbias.shape());
  Tensor<T, D> dx(dy.shape());
  using generic::add_norm_backward;
  add_norm_backward(context, dy, dsum, saved.sum, weight, saved.statistics.inverse, saved.statistics.mean, exchange, dx,
                    dweight, dbias);
  return dx;
}

}  // namespace ligase::inline LIGASE_ISA::ops
