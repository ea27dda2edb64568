#pragma once

#include <ligase/ops/generic/norm.hpp>

#include <type_traits>

namespace ligase::inline LIGASE_ISA::ops {

/// What a norm of activations T keeps per row for its backward pass.
template <class T, Device D>
struct NormStatistics {
  Tensor<wide_t<T>, D> inverse;  ///< 1 / rms, or 1 / standard deviation
  Tensor<wide_t<T>, D> mean;     ///< of LayerNorm only
};

namespace detail {
inline void check_norm(const char* where, const Shape& x, const Shape& weight) {
  if (x.rank() < 1 || x[-1] < 1)
    throw Error{{.kind = ErrorKind::shape, .what = "nothing to normalise", .where = where, .found = x.text()}};
  check_shape(where, {x[-1]}, weight);
}
/// All dimensions but the last.
inline Shape rows_of(const Shape& x) {
  Shape rows;
  for (int i = 0; i + 1 < x.rank(); ++i) rows.push_back(x[i]);
  return rows;
}
}  // namespace detail

/// Root-mean-square normalisation over channels (Zhang & Sennrich 2019): y = x / sqrt(mean(x^2) + eps) * weight.
/// x, y: [..., D]   weight: [D]   `statistics`, where given, keeps 1/rms: [...]. O(count) time; sums in wide_t<T>, in an
/// order that depends on D alone. Matches mamba_ssm's RMSNorm: eps inside the root, no mean, no bias.
template <Device D, class T>
Tensor<T, D> rms_norm(Context<D>& context, const Tensor<T, D>& x, const Tensor<wide_t<T>, D>& weight, double eps,
                      std::type_identity_t<NormStatistics<T, D>>* statistics = nullptr) {
  detail::check_norm("rms_norm weight", x.shape(), weight.shape());
  Tensor<T, D> y(x.shape());
  Tensor<wide_t<T>, D> inverse;
  if (statistics != nullptr) inverse = Tensor<wide_t<T>, D>(detail::rows_of(x.shape()));
  using generic::rms_norm_forward;
  rms_norm_forward(context, x, weight, static_cast<wide_t<T>>(eps), y, inverse);
  if (statistics != nullptr) *statistics = {inverse, {}};
  return y;
}

/// dx (=); dweight (+=) where it is not empty, summed over rows in an order that depends on their number alone.
template <Device D, class T>
Tensor<T, D> rms_norm_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& x,
                               const Tensor<wide_t<T>, D>& weight, const NormStatistics<T, D>& statistics,
                               Tensor<wide_t<T>, D>& dweight) {
  detail::check_norm("rms_norm_backward weight", x.shape(), weight.shape());
  check_shape("rms_norm_backward dy", x.shape(), dy.shape());
  check_shape("rms_norm_backward statistics", detail::rows_of(x.shape()), statistics.inverse.shape());
  if (!dweight.empty()) check_shape("rms_norm_backward gradient of the weight", weight.shape(), dweight.shape());
  Tensor<T, D> dx(x.shape());
  using generic::rms_norm_backward;
  rms_norm_backward(context, dy, x, weight, statistics.inverse, dx, dweight);
  return dx;
}

/// Layer normalisation over channels (Ba et al. 2016): y = (x - mean(x)) / sqrt(var(x) + eps) * weight + bias.
/// x, y: [..., D]   weight: [D]   bias: [D] or empty   `statistics`, where given, keeps mean and 1/deviation: [...].
/// O(count) time; sums in wide_t<T>, in an order that depends on D alone; the variance is taken around the mean in a second
/// pass. Matches torch.nn.LayerNorm: biased variance, eps inside the root.
template <Device D, class T>
Tensor<T, D> layer_norm(Context<D>& context, const Tensor<T, D>& x, const Tensor<wide_t<T>, D>& weight,
                        const Tensor<wide_t<T>, D>& bias, double eps,
                        std::type_identity_t<NormStatistics<T, D>>* statistics = nullptr) {
  detail::check_norm("layer_norm weight", x.shape(), weight.shape());
  if (!bias.empty()) check_shape("layer_norm bias", weight.shape(), bias.shape());
  Tensor<T, D> y(x.shape());
  Tensor<wide_t<T>, D> inverse, mean;
  if (statistics != nullptr) {
    inverse = Tensor<wide_t<T>, D>(detail::rows_of(x.shape()));
    mean = Tensor<wide_t<T>, D>(inverse.shape());
  }
  using generic::layer_norm_forward;
  layer_norm_forward(context, x, weight, bias, static_cast<wide_t<T>>(eps), y, inverse, mean);
  if (statistics != nullptr) *statistics = {inverse, mean};
  return y;
}

/// dx (=); dweight and dbias (+=) where they are not empty, summed over rows in an order that depends on their number alone.
template <Device D, class T>
Tensor<T, D> layer_norm_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& x,
                                 const Tensor<wide_t<T>, D>& weight, const NormStatistics<T, D>& statistics,
                                 Tensor<wide_t<T>, D>& dweight, Tensor<wide_t<T>, D>& dbias) {
  detail::check_norm("layer_norm_backward weight", x.shape(), weight.shape());
  check_shape("layer_norm_backward dy", x.shape(), dy.shape());
  check_shape("layer_norm_backward 1/deviation", detail::rows_of(x.shape()), statistics.inverse.shape());
  check_shape("layer_norm_backward mean", detail::rows_of(x.shape()), statistics.mean.shape());
  if (!dweight.empty()) check_shape("layer_norm_backward gradient of the weight", weight.shape(), dweight.shape());
  if (!dbias.empty()) check_shape("layer_norm_backward gradient of the bias", weight.shape(), dbias.shape());
  Tensor<T, D> dx(x.shape());
  using generic::layer_norm_backward;
  layer_norm_backward(context, dy, x, weight, statistics.inverse, statistics.mean, dx, dweight, dbias);
  return dx;
}

}  // namespace ligase::inline LIGASE_ISA::ops
