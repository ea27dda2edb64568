#pragma once

#include <ligase/ops/cpu/batch_norm.hpp>
#include <ligase/ops/generic/batch_norm.hpp>

#include <string>
#include <type_traits>

namespace ligase::inline LIGASE_ISA::ops {

/// Per channel: the mean and the mean squared deviation from it.
template <class T, Device D>
struct BatchStatistics {
  Tensor<T, D> mean, variance;
};

/// Statistics of the rows of x: [..., C], in an order that depends on the shape alone. O(count) time, two passes.
template <Device D, class T>
BatchStatistics<T, D> batch_statistics(Context<D>& context, const Tensor<T, D>& x) {
  if (x.shape().rank() < 2 || x.count() == 0)
    throw Error{{.kind = ErrorKind::shape,
                 .what = "batch_statistics",
                 .expected = "[..., C] with at least one row",
                 .found = x.shape().text()}};
  const Index width = x.size(-1);
  const T rows = static_cast<T>(x.count() / width);
  BatchStatistics<T, D> s{Tensor<T, D>({width}), Tensor<T, D>({width})};
  using generic::batch_norm_squares;
  using generic::batch_norm_sum;
  batch_norm_sum(context, x, s.mean);
  for_each(context, width, generic::Divide<T>{rows, s.mean.data()});
  batch_norm_squares(context, x, s.mean, s.variance);
  for_each(context, width, generic::Divide<T>{rows, s.variance.data()});
  return s;
}

/// running = (1 - momentum) running + momentum batch, the variance with rows - 1 in its denominator, as torch.nn.BatchNorm1d.
/// Throws kind `shape` for a single row, which has no variance.
template <Device D, class T>
void move_running_statistics(Context<D>& context, const BatchStatistics<T, D>& batch, Index rows, double momentum,
                             Tensor<T, D>& running_mean, Tensor<T, D>& running_variance) {
  check_shape("move_running_statistics", batch.mean.shape(), running_mean.shape());
  check_shape("move_running_statistics", batch.mean.shape(), running_variance.shape());
  if (rows < 2)
    throw Error{{.kind = ErrorKind::shape,
                 .what = "batch normalisation of a single value per channel in training",
                 .expected = "at least 2 rows",
                 .found = std::to_string(rows)}};
  const auto n = static_cast<T>(rows);
  for_each(context, batch.mean.count(),
           generic::MoveRunning<T>{batch.mean.data(), batch.variance.data(), static_cast<T>(momentum), n / (n - T(1)),
                                   running_mean.data(), running_variance.data()});
}

/// What batch normalisation keeps for its backward pass.
template <class T, Device D>
struct BatchNormSaved {
  Tensor<T, D> x, mean, inverse;  ///< inverse: 1 / sqrt(variance + eps), [C]
  bool of_batch = false;          ///< the statistics were those of x: gradients go through them
};

/// Normalisation of every channel by given statistics (Ioffe & Szegedy 2015):
///   y = (x - mean) / sqrt(variance + eps) weight + bias
/// x, y: [..., C]   weight, bias, mean, variance: [C]. O(count) time. Matches torch.nn.BatchNorm1d on the transposed layout:
/// in training with the statistics of x itself (`of_batch`), in evaluation with running ones.
template <Device D, class T>
Tensor<T, D> batch_norm(Context<D>& context, const Tensor<T, D>& x, const BatchStatistics<T, D>& statistics,
                        const Tensor<T, D>& weight, const Tensor<T, D>& bias, double eps, bool of_batch,
                        std::type_identity_t<BatchNormSaved<T, D>>* saved = nullptr) {
  for (const Tensor<T, D>* vector : {&statistics.mean, &statistics.variance, &weight, &bias})
    check_shape("batch_norm", {x.size(-1)}, vector->shape());
  const Index width = x.size(-1);
  Tensor<T, D> inverse({width}), scale({width}), y(x.shape());
  for_each(context, width,
           generic::InverseDeviation<T>{statistics.variance.data(), static_cast<T>(eps), inverse.data()});
  for_each(context, width, generic::Multiply<T>{inverse.data(), weight.data(), scale.data()});
  using generic::batch_norm_apply;
  batch_norm_apply(context, x, statistics.mean, scale, bias, y);
  if (saved != nullptr) *saved = {x, statistics.mean, inverse, of_batch};
  return y;
}

/// dx (=); dweight, dbias (+=) where they are not empty.
template <Device D, class T>
Tensor<T, D> batch_norm_backward(Context<D>& context, const Tensor<T, D>& dy, const BatchNormSaved<T, D>& saved,
                                 const Tensor<T, D>& weight, Tensor<T, D>& dweight, Tensor<T, D>& dbias) {
  check_shape("batch_norm_backward", saved.x.shape(), dy.shape());
  const Index width = weight.count();
  Tensor<T, D> sum({width}), product({width}), gradient_mean({width}), slope({width}), scale({width}), dx(dy.shape());
  using generic::batch_norm_data;
  using generic::batch_norm_products;
  batch_norm_products(context, dy, saved.x, saved.mean, sum, product);
  for_each(context, width,
           generic::BatchNormCoefficients<T>{sum.data(), product.data(), saved.inverse.data(),
                                             static_cast<T>(dy.count() / width), saved.of_batch, gradient_mean.data(),
                                             slope.data(), dweight.data(), dbias.data()});
  for_each(context, width, generic::Multiply<T>{saved.inverse.data(), weight.data(), scale.data()});
  batch_norm_data(context, dy, saved.x, saved.mean, scale, gradient_mean, slope, dx);
  return dx;
}

}  // namespace ligase::inline LIGASE_ISA::ops
