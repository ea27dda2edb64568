#pragma once

#include <ligase/core/math.hpp>
#include <ligase/ops/generic/sum_rows.hpp>

namespace ligase::inline LIGASE_ISA::generic {

/// Sizes of a dense convolution without padding. `out_length` is length - taps + 1.
struct DenseConvSizes {
  Index batch, length, channels, outputs, taps;
  LIGASE_HD constexpr Index out_length() const { return length - taps + 1; }
};

/// One output token: taps outside, channels inside.
template <class T>
struct DenseConvForward {
  const T* x;
  const T* weight;
  const T* bias;
  DenseConvSizes s;
  T* y;
  LIGASE_HD void operator()(Index row) const {
    const Index b = row / s.out_length(), t = row % s.out_length();
    for (Index o = 0; o < s.outputs; ++o) {
      T sum = bias ? bias[o] : T(0);
      for (Index j = 0; j < s.taps; ++j)
        for (Index c = 0; c < s.channels; ++c)
          sum = math::fma(weight[(o * s.channels + c) * s.taps + j], x[(b * s.length + t + j) * s.channels + c], sum);
      y[row * s.outputs + o] = sum;
    }
  }
};

/// One input token.
template <class T>
struct DenseConvData {
  const T* dy;
  const T* weight;
  DenseConvSizes s;
  T* dx;
  LIGASE_HD void operator()(Index row) const {
    const Index b = row / s.length, t = row % s.length;
    for (Index c = 0; c < s.channels; ++c) {
      T sum = T(0);
      for (Index j = 0; j < s.taps; ++j) {
        const Index from = t - j;
        if (from < 0 || from >= s.out_length()) continue;
        for (Index o = 0; o < s.outputs; ++o)
          sum = math::fma(weight[(o * s.channels + c) * s.taps + j], dy[(b * s.out_length() + from) * s.outputs + o],
                          sum);
      }
      dx[row * s.channels + c] = sum;
    }
  }
};

/// Weight gradient of one sequence, for one output: partial [B, O, C, K].
template <class T>
struct DenseConvWeight {
  const T* dy;
  const T* x;
  DenseConvSizes s;
  T* partial;
  LIGASE_HD void operator()(Index i) const {
    const Index b = i / s.outputs, o = i % s.outputs;
    for (Index c = 0; c < s.channels; ++c)
      for (Index j = 0; j < s.taps; ++j) {
        T sum = T(0);
        for (Index t = 0; t < s.out_length(); ++t)
          sum =
              math::fma(dy[(b * s.out_length() + t) * s.outputs + o], x[(b * s.length + t + j) * s.channels + c], sum);
        partial[(i * s.channels + c) * s.taps + j] = sum;
      }
  }
};

template <Device D, class T>
DenseConvSizes dense_conv_sizes(const Tensor<T, D>& x, const Tensor<T, D>& weight) {
  return {x.size(0), x.size(1), x.size(2), weight.size(0), weight.size(2)};
}

template <Device D, class T>
void conv1d_dense_forward(Context<D>& context, const Tensor<T, D>& x, const Tensor<T, D>& weight,
                          const Tensor<T, D>& bias, Tensor<T, D>& y) {
  const DenseConvSizes s = dense_conv_sizes(x, weight);
  for_rows(context, s.batch * s.out_length(), DenseConvForward<T>{x.data(), weight.data(), bias.data(), s, y.data()});
}

template <Device D, class T>
void conv1d_dense_data(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& x, const Tensor<T, D>& weight,
                       Tensor<T, D>& dx) {
  const DenseConvSizes s = dense_conv_sizes(x, weight);
  for_rows(context, s.batch * s.length, DenseConvData<T>{dy.data(), weight.data(), s, dx.data()});
}

template <Device D, class T>
void conv1d_dense_weight(Context<D>& context, const Tensor<T, D>& dy, const Tensor<T, D>& x, Tensor<T, D>& dweight) {
  const DenseConvSizes s = dense_conv_sizes(x, dweight);
  Tensor<T, D> partial({s.batch, dweight.count()});
  for_rows(context, s.batch * s.outputs, DenseConvWeight<T>{dy.data(), x.data(), s, partial.data()});
  add_tiles(context, partial, dweight);
}

}  // namespace ligase::inline LIGASE_ISA::generic
