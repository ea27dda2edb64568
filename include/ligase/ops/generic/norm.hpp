#pragma once

#include <ligase/core/math.hpp>
#include <ligase/ops/generic/row_sum.hpp>
#include <ligase/ops/generic/sum_rows.hpp>

#include <cmath>

namespace ligase::inline LIGASE_ISA::generic {

/// Terms of row_sum.
template <class T>
struct AddValue {
  const T* x;
  LIGASE_HD T operator()(Index j, T sum) const { return sum + x[j]; }
};
template <class T>
struct AddSquare {
  const T* x;
  T mean;
  LIGASE_HD T operator()(Index j, T sum) const { return math::fma(x[j] - mean, x[j] - mean, sum); }
};
template <class T>
struct AddProduct {
  const T *a, *b;
  LIGASE_HD T operator()(Index j, T sum) const { return math::fma(a[j], b[j], sum); }
};
/// a b (x - mean)
template <class T>
struct AddTripleProduct {
  const T *a, *b, *x;
  T mean;
  LIGASE_HD T operator()(Index j, T sum) const { return math::fma(a[j] * b[j], x[j] - mean, sum); }
};

template <class T>
struct RmsNormForward {
  const T *x, *weight;
  Index width;
  T eps;
  T *y, *inverse;
  LIGASE_HD void operator()(Index row) const {
    const T* in = x + row * width;
    T* out = y + row * width;
    const T r = T(1) / std::sqrt(row_sum<T>(width, AddSquare<T>{in, T(0)}) / static_cast<T>(width) + eps);
    for (Index j = 0; j < width; ++j) out[j] = in[j] * r * weight[j];
    if (inverse) inverse[row] = r;
  }
};

template <class T>
struct LayerNormForward {
  const T *x, *weight, *bias;
  Index width;
  T eps;
  T *y, *inverse, *mean;
  LIGASE_HD void operator()(Index row) const {
    const T* in = x + row * width;
    T* out = y + row * width;
    const T n = static_cast<T>(width), m = row_sum<T>(width, AddValue<T>{in}) / n;
    const T r = T(1) / std::sqrt(row_sum<T>(width, AddSquare<T>{in, m}) / n + eps);
    if (bias)
      for (Index j = 0; j < width; ++j) out[j] = math::fma((in[j] - m) * r, weight[j], bias[j]);
    else
      for (Index j = 0; j < width; ++j) out[j] = (in[j] - m) * r * weight[j];
    if (inverse) inverse[row] = r;
    if (mean) mean[row] = m;
  }
};

/// One tile of rows: dx of its rows, and what they add to the gradients of weight and bias. With g = dy weight and
/// h = (x - mean) inverse: dx = inverse (g - h mean(g h) - mean(g)); RMSNorm has neither mean.
template <class T>
struct NormBackwardTile {
  const T *dy, *x, *weight, *inverse, *mean;
  Index rows, width;
  T *dx, *dweight, *dbias;
  LIGASE_HD void operator()(Index tile) const {
    const Index end = (tile + 1) * sum_tile < rows ? (tile + 1) * sum_tile : rows;
    T *sum_weight = dweight ? dweight + tile * width : nullptr, *sum_bias = dbias ? dbias + tile * width : nullptr;
    if (sum_weight)
      for (Index j = 0; j < width; ++j) sum_weight[j] = T(0);
    if (sum_bias)
      for (Index j = 0; j < width; ++j) sum_bias[j] = T(0);
    for (Index row = tile * sum_tile; row < end; ++row) {
      const T *g = dy + row * width, *in = x + row * width;
      T* out = dx + row * width;
      const T n = static_cast<T>(width), r = inverse[row], m = mean ? mean[row] : T(0);
      const T by_mean = mean ? row_sum<T>(width, AddProduct<T>{g, weight}) / n * r : T(0);
      const T by_x = row_sum<T>(width, AddTripleProduct<T>{g, weight, in, m}) / n * r * r * r;
      for (Index j = 0; j < width; ++j) out[j] = g[j] * weight[j] * r - ((in[j] - m) * by_x + by_mean);
      if (sum_weight)
        for (Index j = 0; j < width; ++j) sum_weight[j] = math::fma(g[j], (in[j] - m) * r, sum_weight[j]);
      if (sum_bias)
        for (Index j = 0; j < width; ++j) sum_bias[j] += g[j];
    }
  }
};

template <Device D, class T>
void rms_norm_forward(Context<D>& context, const Tensor<T, D>& x, const Tensor<T, D>& weight, T eps, Tensor<T, D>& y,
                      Tensor<T, D>& inverse) {
  const Index width = weight.count();
  for_rows(context, x.count() / width,
           RmsNormForward<T>{x.data(), weight.data(), width, eps, y.data(), inverse.data()});
}

template <Device D, class T>
void layer_norm_forward(Context<D>& context, const Tensor<T, D>& x, const Tensor<T, D>& weight,
                        const Tensor<T, D>& bias, T eps, Tensor<T, D>& y, Tensor<T, D>& inverse, Tensor<T, D>& mean) {
  const Index width = weight.count();
  for_rows(
      context, x.count() / width,
      LayerNormForward<T>{x.data(), weight.data(), bias.data(), width, eps, y.data(), inverse.data(), mean.data()});
}

/// `mean` is empty for RMSNorm.
template <Device D, class T>
void layer_norm_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& x, const Tensor<T, D>& weight,
                         const Tensor<T, D>& inverse, const Tensor<T, D>& mean, Tensor<T, D>& dx, Tensor<T, D>& dweight,
                         Tensor<T, D>& dbias) {
  const Index width = weight.count(), rows = x.count() / width, tiles = (rows + sum_tile - 1) / sum_tile;
  Tensor<T, D> weight_tiles, bias_tiles;
  if (!dweight.empty()) weight_tiles = Tensor<T, D>({tiles, width});
  if (!dbias.empty()) bias_tiles = Tensor<T, D>({tiles, width});
  for_rows(context, tiles,
           NormBackwardTile<T>{dy.data(), x.data(), weight.data(), inverse.data(), mean.data(), rows, width, dx.data(),
                               weight_tiles.data(), bias_tiles.data()});
  if (!dweight.empty()) add_tiles(context, weight_tiles, dweight);
  if (!dbias.empty()) add_tiles(context, bias_tiles, dbias);
}
template <Device D, class T>
void rms_norm_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& x, const Tensor<T, D>& weight,
                       const Tensor<T, D>& inverse, Tensor<T, D>& dx, Tensor<T, D>& dweight) {
  Tensor<T, D> none;
  layer_norm_backward(context, dy, x, weight, inverse, Tensor<T, D>(), dx, dweight, none);
}

}  // namespace ligase::inline LIGASE_ISA::generic
