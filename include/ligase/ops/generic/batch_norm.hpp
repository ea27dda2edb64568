#pragma once

#include <ligase/core/math.hpp>
#include <ligase/ops/generic/sum_rows.hpp>

#include <cmath>

namespace ligase::inline LIGASE_ISA::generic {

/// Sum over the rows of a tile of (x - mean)^2 per column: partial [tiles, C].
template <class T>
struct SquareTile {
  const T *x, *mean;
  Index rows, width;
  T* partial;
  LIGASE_HD void operator()(Index tile) const {
    T* sum = partial + tile * width;
    for (Index j = 0; j < width; ++j) sum[j] = T(0);
    const Index end = (tile + 1) * sum_tile < rows ? (tile + 1) * sum_tile : rows;
    for (Index r = tile * sum_tile; r < end; ++r)
      for (Index j = 0; j < width; ++j) {
        const T d = x[r * width + j] - mean[j];
        sum[j] = math::fma(d, d, sum[j]);
      }
  }
};
/// The same of dy (x - mean).
template <class T>
struct ProductTile {
  const T *dy, *x, *mean;
  Index rows, width;
  T* partial;
  LIGASE_HD void operator()(Index tile) const {
    T* sum = partial + tile * width;
    for (Index j = 0; j < width; ++j) sum[j] = T(0);
    const Index end = (tile + 1) * sum_tile < rows ? (tile + 1) * sum_tile : rows;
    for (Index r = tile * sum_tile; r < end; ++r)
      for (Index j = 0; j < width; ++j) sum[j] = math::fma(dy[r * width + j], x[r * width + j] - mean[j], sum[j]);
  }
};
template <class T>
struct Divide {
  T divisor;
  T* x;
  LIGASE_HD void operator()(Index i) const { x[i] /= divisor; }
};
template <class T>
struct InverseDeviation {
  const T* variance;
  T eps;
  T* inverse;
  LIGASE_HD void operator()(Index i) const { inverse[i] = T(1) / std::sqrt(variance[i] + eps); }
};
template <class T>
struct MoveRunning {
  const T *mean, *variance;
  T momentum, correction;
  T *running_mean, *running_variance;
  LIGASE_HD void operator()(Index i) const {
    running_mean[i] = (T(1) - momentum) * running_mean[i] + momentum * mean[i];
    running_variance[i] = (T(1) - momentum) * running_variance[i] + momentum * (variance[i] * correction);
  }
};
template <class T>
struct Multiply {
  const T *a, *b;
  T* y;
  LIGASE_HD void operator()(Index i) const { y[i] = a[i] * b[i]; }
};
template <class T>
struct NormaliseRow {
  const T *x, *mean, *scale, *bias;
  Index width;
  T* y;
  LIGASE_HD void operator()(Index row) const {
    for (Index j = 0; j < width; ++j) y[row * width + j] = math::fma(x[row * width + j] - mean[j], scale[j], bias[j]);
  }
};
/// dx = scale (dy - mean of dy - (x - mean) slope)
template <class T>
struct NormaliseRowBackward {
  const T *dy, *x, *mean, *scale, *gradient_mean, *slope;
  Index width;
  T* dx;
  LIGASE_HD void operator()(Index row) const {
    for (Index j = 0; j < width; ++j) {
      const Index i = row * width + j;
      dx[i] = scale[j] * math::fma(mean[j] - x[i], slope[j], dy[i] - gradient_mean[j]);
    }
  }
};
/// gradient_mean = sum_dy / rows; slope = inverse^2 sum_product / rows; dweight += inverse sum_product; dbias += sum_dy
template <class T>
struct BatchNormCoefficients {
  const T *sum_dy, *sum_product, *inverse;
  T rows;
  bool of_batch;
  T *gradient_mean, *slope, *dweight, *dbias;
  LIGASE_HD void operator()(Index j) const {
    gradient_mean[j] = of_batch ? sum_dy[j] / rows : T(0);
    slope[j] = of_batch ? inverse[j] * inverse[j] * sum_product[j] / rows : T(0);
    if (dweight) dweight[j] += inverse[j] * sum_product[j];
    if (dbias) dbias[j] += sum_dy[j];
  }
};

/// sum (=) of the rows of x.
template <Device D, class T>
void batch_norm_sum(Context<D>& context, const Tensor<T, D>& x, Tensor<T, D>& sum) {
  sum.set_zero();
  sum_rows_add(context, x, sum);
}
/// sum (=) of (x - mean)^2.
template <Device D, class T>
void batch_norm_squares(Context<D>& context, const Tensor<T, D>& x, const Tensor<T, D>& mean, Tensor<T, D>& sum) {
  const Index width = mean.count(), rows = x.count() / width, tiles = (rows + sum_tile - 1) / sum_tile;
  Tensor<T, D> partial({tiles, width});
  for_rows(context, tiles, SquareTile<T>{x.data(), mean.data(), rows, width, partial.data()});
  sum.set_zero();
  add_tiles(context, partial, sum);
}
/// sum (=) of dy, product (=) of dy (x - mean).
template <Device D, class T>
void batch_norm_products(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& x, const Tensor<T, D>& mean,
                         Tensor<T, D>& sum, Tensor<T, D>& product) {
  const Index width = mean.count(), rows = x.count() / width, tiles = (rows + sum_tile - 1) / sum_tile;
  Tensor<T, D> partial({tiles, width});
  for_rows(context, tiles, ProductTile<T>{dy.data(), x.data(), mean.data(), rows, width, partial.data()});
  product.set_zero();
  add_tiles(context, partial, product);
  sum.set_zero();
  sum_rows_add(context, dy, sum);
}
template <Device D, class T>
void batch_norm_apply(Context<D>& context, const Tensor<T, D>& x, const Tensor<T, D>& mean, const Tensor<T, D>& scale,
                      const Tensor<T, D>& bias, Tensor<T, D>& y) {
  for_rows(context, x.count() / mean.count(),
           NormaliseRow<T>{x.data(), mean.data(), scale.data(), bias.data(), mean.count(), y.data()});
}
template <Device D, class T>
void batch_norm_data(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& x, const Tensor<T, D>& mean,
                     const Tensor<T, D>& scale, const Tensor<T, D>& gradient_mean, const Tensor<T, D>& slope,
                     Tensor<T, D>& dx) {
  for_rows(context, x.count() / mean.count(),
           NormaliseRowBackward<T>{dy.data(), x.data(), mean.data(), scale.data(), gradient_mean.data(), slope.data(),
                                   mean.count(), dx.data()});
}

}  // namespace ligase::inline LIGASE_ISA::generic
