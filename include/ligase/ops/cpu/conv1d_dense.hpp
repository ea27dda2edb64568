#pragma once

#include <ligase/core/simd.hpp>
#include <ligase/ops/generic/conv1d_dense.hpp>

#include <algorithm>

/// A window of K tokens of [L, C] is K C consecutive numbers, so an output is the dot product of such a window with a row
/// of a matrix [O, K C]. Blocks of four tokens and four outputs; a work item is a sequence.
namespace ligase::inline LIGASE_ISA::device {
namespace conv1d_dense_cpu {

using generic::DenseConvSizes;
using simd::lanes;
using simd::Pack;

inline constexpr Index block = 4;

inline Index padded(Index n) { return (n + block - 1) / block * block; }

/// y[t, o] = bias[o] + dot(x + t step, w + o n) over n numbers, for rows of w that are a multiple of four; a lane sums
/// every 16th product, the lanes are added last.
template <class T>
void dot_windows(const T* x, Index step, Index tokens, const T* w, Index n, Index outputs, const T* bias, T* y) {
  const Index whole = n / lanes * lanes;
  for (Index t = 0; t < tokens; t += block) {
    const T* from[block];
    for (Index i = 0; i < block; ++i) from[i] = x + std::min(t + i, tokens - 1) * step;
    for (Index o = 0; o < outputs; o += block) {
      Pack<T> sum[block * block] = {};
      const auto add = [&](Index k, Index width) {
        Pack<T> a[block];
        for (Index i = 0; i < block; ++i) a[i] = simd::load(from[i] + k, width);
        for (Index j = 0; j < block; ++j) {
          const Pack<T> b = simd::load(w + (o + j) * n + k, width);
          for (Index i = 0; i < block; ++i) sum[i * block + j] = simd::fma(a[i], b, sum[i * block + j]);
        }
      };
      for (Index k = 0; k < whole; k += lanes) add(k, lanes);
      if (whole < n) add(whole, n - whole);
      T result[block * block];
      simd::store(result, simd::sums(sum));
      for (Index i = 0; i < block && t + i < tokens; ++i)
        for (Index j = 0; j < block && o + j < outputs; ++j)
          y[(t + i) * outputs + o + j] = result[i * block + j] + (bias ? bias[o + j] : T(0));
    }
  }
}

/// [O, C, K] as [O, K C], zero rows behind.
template <class T>
Tensor<T, cpu> windows_of(const Tensor<T, cpu>& weight) {
  const Index outputs = weight.size(0), channels = weight.size(1), taps = weight.size(2);
  Tensor<T, cpu> w = Tensor<T, cpu>::zeros({padded(outputs), taps * channels});
  for (Index o = 0; o < outputs; ++o)
    for (Index c = 0; c < channels; ++c)
      for (Index j = 0; j < taps; ++j)
        w.data()[(o * taps + j) * channels + c] = weight.data()[(o * channels + c) * taps + j];
  return w;
}

/// The same of the transposed convolution: [C, K O], taps from the last to the first.
template <class T>
Tensor<T, cpu> transposed_windows_of(const Tensor<T, cpu>& weight) {
  const Index outputs = weight.size(0), channels = weight.size(1), taps = weight.size(2);
  Tensor<T, cpu> w = Tensor<T, cpu>::zeros({padded(channels), taps * outputs});
  for (Index o = 0; o < outputs; ++o)
    for (Index c = 0; c < channels; ++c)
      for (Index j = 0; j < taps; ++j)
        w.data()[(c * taps + taps - 1 - j) * outputs + o] = weight.data()[(o * channels + c) * taps + j];
  return w;
}

/// dw[o, 0 .. n) = sum over tokens of dy[t, o] (x + t step)[0 .. n), for one sequence: blocks of four outputs and 64
/// columns.
template <class T>
void outer_windows(const T* x, Index step, Index tokens, const T* dy, Index outputs, Index n, T* dw) {
  constexpr Index packs = 4;
  for (Index o = 0; o < outputs; o += block)
    for (Index k = 0; k < n; k += packs * lanes) {
      const Index height = std::min(block, outputs - o), columns = std::min(packs * lanes, n - k);
      Pack<T> sum[block][packs] = {};
      const auto run = [&](auto&& load) {
        for (Index t = 0; t < tokens; ++t) {
          Pack<T> a[packs];
          for (Index p = 0; p < packs; ++p) a[p] = load(x + t * step + k, p);
          for (Index i = 0; i < block; ++i) {
            const Pack<T> b = simd::broadcast(dy[t * outputs + o + std::min(i, height - 1)]);
            for (Index p = 0; p < packs; ++p) sum[i][p] = simd::fma(a[p], b, sum[i][p]);
          }
        }
      };
      if (columns == packs * lanes)
        run([](const T* from, Index p) { return simd::load(from + p * lanes); });
      else
        run([&](const T* from, Index p) {
          return p * lanes < columns ? simd::load(from + p * lanes, std::min(lanes, columns - p * lanes)) : Pack<T>{};
        });
      for (Index i = 0; i < height; ++i)
        for (Index p = 0; p * lanes < columns; ++p)
          simd::store(dw + (o + i) * n + k + p * lanes, sum[i][p], std::min(lanes, columns - p * lanes));
    }
}

}  // namespace conv1d_dense_cpu

template <class T>
void conv1d_dense_forward(Context<cpu>& context, const Tensor<T, cpu>& x, const Tensor<T, cpu>& weight,
                          const Tensor<T, cpu>& bias, Tensor<T, cpu>& y) {
  using namespace conv1d_dense_cpu;
  const DenseConvSizes s = generic::dense_conv_sizes(x, weight);
  const Tensor<T, cpu> w = windows_of(weight);
  parallel_for(context.threads, s.batch, [&](Index b) {
    dot_windows(x.data() + b * s.length * s.channels, s.channels, s.out_length(), w.data(), s.taps * s.channels,
                s.outputs, bias.data(), y.data() + b * s.out_length() * s.outputs);
  });
}

template <class T>
void conv1d_dense_data(Context<cpu>& context, const Tensor<T, cpu>& dy, const Tensor<T, cpu>& x,
                       const Tensor<T, cpu>& weight, Tensor<T, cpu>& dx) {
  using namespace conv1d_dense_cpu;
  const DenseConvSizes s = generic::dense_conv_sizes(x, weight);
  const Tensor<T, cpu> w = transposed_windows_of(weight);
  const Index rows = s.out_length() + 2 * (s.taps - 1);
  Tensor<T, cpu> padded_rows({s.batch, rows, s.outputs});
  parallel_for(context.threads, s.batch, [&](Index b) {
    T* const wide = padded_rows.data() + b * rows * s.outputs;
    const Index margin = (s.taps - 1) * s.outputs, inner = s.out_length() * s.outputs;
    std::fill_n(wide, margin, T(0));
    std::copy_n(dy.data() + b * inner, inner, wide + margin);
    std::fill_n(wide + margin + inner, margin, T(0));
    dot_windows(wide, s.outputs, s.length, w.data(), s.taps * s.outputs, s.channels, static_cast<const T*>(nullptr),
                dx.data() + b * s.length * s.channels);
  });
}

template <class T>
void conv1d_dense_weight(Context<cpu>& context, const Tensor<T, cpu>& dy, const Tensor<T, cpu>& x,
                         Tensor<T, cpu>& dweight) {
  using namespace conv1d_dense_cpu;
  const DenseConvSizes s = generic::dense_conv_sizes(x, dweight);
  const Index n = s.taps * s.channels;
  Tensor<T, cpu> partial({s.batch, s.outputs, n});
  parallel_for(context.threads, s.batch, [&](Index b) {
    outer_windows(x.data() + b * s.length * s.channels, s.channels, s.out_length(),
                  dy.data() + b * s.out_length() * s.outputs, s.outputs, n, partial.data() + b * s.outputs * n);
  });
  Tensor<T, cpu> sum = Tensor<T, cpu>::zeros({s.outputs, n});
  generic::add_tiles(context, partial, sum);
  for (Index o = 0; o < s.outputs; ++o)
    for (Index c = 0; c < s.channels; ++c)
      for (Index j = 0; j < s.taps; ++j)
        dweight.data()[(o * s.channels + c) * s.taps + j] += sum.data()[(o * s.taps + j) * s.channels + c];
}

}  // namespace ligase::inline LIGASE_ISA::device
