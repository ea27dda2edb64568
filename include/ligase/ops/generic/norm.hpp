#pragma once

#include <ligase/core/bfloat16.hpp>
#include <ligase/core/math.hpp>
#include <ligase/ops/generic/row_sum.hpp>
#include <ligase/ops/generic/sum_rows.hpp>

#include <cmath>

namespace ligase::inline LIGASE_ISA::generic {

/// Terms of row_sum.
template <class T>
struct AddValue {
  using W = wide_t<T>;
  const T* x;
  LIGASE_HD W operator()(Index j, W sum) const { return sum + x[j]; }
};
template <class T>
struct AddSquare {
  using W = wide_t<T>;
  const T* x;
  W mean;
  LIGASE_HD W operator()(Index j, W sum) const { return math::fma(x[j] - mean, x[j] - mean, sum); }
};
template <class T>
struct AddProduct {
  using W = wide_t<T>;
  const T* a;
  const W* b;
  LIGASE_HD W operator()(Index j, W sum) const { return math::fma(W(a[j]), b[j], sum); }
};
/// a b (x - mean)
template <class T>
struct AddTripleProduct {
  using W = wide_t<T>;
  const T* a;
  const W* b;
  const T* x;
  W mean;
  LIGASE_HD W operator()(Index j, W sum) const { return math::fma(a[j] * b[j], x[j] - mean, sum); }
};

template <class T>
struct RmsNormForward {
  using W = wide_t<T>;
  const T* x;
  const W* weight;
  Index width;
  W eps;
  T* y;
  W* inverse;
  LIGASE_HD void operator()(Index row) const {
    const T* in = x + row * width;
    T* out = y + row * width;
    const W r = W(1) / std::sqrt(row_sum<W>(width, AddSquare<T>{in, W(0)}) / static_cast<W>(width) + eps);
    for (Index j = 0; j < width; ++j) out[j] = in[j] * r * weight[j];
    if (inverse) inverse[row] = r;
  }
};

template <class T>
struct LayerNormForward {
  using W = wide_t<T>;
  const T* x;
  const W *weight, *bias;
  Index width;
  W eps;
  T* y;
  W *inverse, *mean;
  LIGASE_HD void operator()(Index row) const {
    const T* in = x + row * width;
    T* out = y + row * width;
    const W n = static_cast<W>(width), m = row_sum<W>(width, AddValue<T>{in}) / n;
    const W r = W(1) / std::sqrt(row_sum<W>(width, AddSquare<T>{in, m}) / n + eps);
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
  using W = wide_t<T>;
  const T *dy, *x;
  const W *weight, *inverse, *mean;
  Index rows, width;
  T* dx;
  W *dweight, *dbias;
  LIGASE_HD void operator()(Index tile) const {
    const Index end = (tile + 1) * sum_tile < rows ? (tile + 1) * sum_tile : rows;
    W *sum_weight = dweight ? dweight + tile * width : nullptr, *sum_bias = dbias ? dbias + tile * width : nullptr;
    if (sum_weight)
      for (Index j = 0; j < width; ++j) sum_weight[j] = W(0);
    if (sum_bias)
      for (Index j = 0; j < width; ++j) sum_bias[j] = W(0);
    for (Index row = tile * sum_tile; row < end; ++row) {
      const T *g = dy + row * width, *in = x + row * width;
      T* out = dx + row * width;
      const W n = static_cast<W>(width), r = inverse[row], m = mean ? mean[row] : W(0);
      const W by_mean = mean ? row_sum<W>(width, AddProduct<T>{g, weight}) / n * r : W(0);
      const W by_x = row_sum<W>(width, AddTripleProduct<T>{g, weight, in, m}) / n * r * r * r;
      for (Index j = 0; j < width; ++j) out[j] = g[j] * weight[j] * r - ((in[j] - m) * by_x + by_mean);
      if (sum_weight)
        for (Index j = 0; j < width; ++j) sum_weight[j] = math::fma(W(g[j]), (in[j] - m) * r, sum_weight[j]);
      if (sum_bias)
        for (Index j = 0; j < width; ++j) sum_bias[j] += g[j];
    }
  }
};

template <Device D, class T>
void rms_norm_forward(Context<D>& context, const Tensor<T, D>& x, const Tensor<wide_t<T>, D>& weight, wide_t<T> eps,
                      Tensor<T, D>& y, Tensor<wide_t<T>, D>& inverse) {
  const Index width = weight.count();
  for_rows(context, x.count() / width,
           RmsNormForward<T>{x.data(), weight.data(), width, eps, y.data(), inverse.data()});
}

template <Device D, class T>
void layer_norm_forward(Context<D>& context, const Tensor<T, D>& x, const Tensor<wide_t<T>, D>& weight,
                        const Tensor<wide_t<T>, D>& bias, wide_t<T> eps, Tensor<T, D>& y, Tensor<wide_t<T>, D>& inverse,
                        Tensor<wide_t<T>, D>& mean) {
  const Index width = weight.count();
  for_rows(
      context, x.count() / width,
      LayerNormForward<T>{x.data(), weight.data(), bias.data(), width, eps, y.data(), inverse.data(), mean.data()});
}

/// `mean` is empty for RMSNorm.
template <Device D, class T>
void layer_norm_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& x,
                         const Tensor<wide_t<T>, D>& weight, const Tensor<wide_t<T>, D>& inverse,
                         const Tensor<wide_t<T>, D>& mean, Tensor<T, D>& dx, Tensor<wide_t<T>, D>& dweight,
                         Tensor<wide_t<T>, D>& dbias) {
  const Index width = weight.count(), rows = x.count() / width, tiles = (rows + sum_tile - 1) / sum_tile;
  Tensor<wide_t<T>, D> weight_tiles, bias_tiles;
  if (!dweight.empty()) weight_tiles = Tensor<wide_t<T>, D>({tiles, width});
  if (!dbias.empty()) bias_tiles = Tensor<wide_t<T>, D>({tiles, width});
  for_rows(context, tiles,
           NormBackwardTile<T>{dy.data(), x.data(), weight.data(), inverse.data(), mean.data(), rows, width, dx.data(),
                               weight_tiles.data(), bias_tiles.data()});
  if (!dweight.empty()) add_tiles(context, weight_tiles, dweight);
  if (!dbias.empty()) add_tiles(context, bias_tiles, dbias);
}
template <Device D, class T>
void rms_norm_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& x,
                       const Tensor<wide_t<T>, D>& weight, const Tensor<wide_t<T>, D>& inverse, Tensor<T, D>& dx,
                       Tensor<wide_t<T>, D>& dweight) {
  const Tensor<wide_t<T>, D> no_mean;
  Tensor<wide_t<T>, D> no_bias;
  layer_norm_backward(context, dy, x, weight, inverse, no_mean, dx, dweight, no_bias);
}

}  // namespace ligase::inline LIGASE_ISA::generic
