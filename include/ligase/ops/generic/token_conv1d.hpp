#pragma once

#include <ligase/core/tensor.hpp>
#include <ligase/ops/generic/host_view.hpp>
#include <ligase/ops/generic/sum_rows.hpp>

#include <algorithm>

namespace ligase::inline LIGASE_ISA::generic {

/// Sizes of a convolution over token ids. `out_length` is length - taps + 1.
struct TokenConvSizes {
  Index batch, length, vocabulary, outputs, taps;
  LIGASE_HD constexpr Index out_length() const { return length - taps + 1; }
};

/// weight [O, C, K] as rows [K O, C].
template <class T>
struct TapsFirst {
  const T* weight;
  Index outputs, channels, taps;
  T* rows;
  LIGASE_HD void operator()(Index i) const {
    const Index c = i % channels, o = i / channels % outputs, j = i / channels / outputs;
    rows[i] = weight[(o * channels + c) * taps + j];
  }
};
/// dweight [O, C, K] += rows [K O, C].
template <class T>
struct AddTapsFirst {
  const T* rows;
  Index outputs, channels, taps;
  T* dweight;
  LIGASE_HD void operator()(Index i) const {
    const Index j = i % taps, c = i / taps % channels, o = i / taps / channels;
    dweight[i] += rows[(j * outputs + o) * channels + c];
  }
};

/// One output token: the bias, then the table's rows tap by tap.
template <class T>
struct TokenConvForward {
  const std::int32_t* ids;
  const T* table;
  const T* bias;
  TokenConvSizes s;
  T* y;
  LIGASE_HD void operator()(Index row) const {
    const std::int32_t* from = ids + row / s.out_length() * s.length + row % s.out_length();
    T* out = y + row * s.outputs;
    for (Index o = 0; o < s.outputs; ++o) out[o] = bias ? bias[o] : T(0);
    for (Index j = 0; j < s.taps; ++j) {
      const T* add = table + (from[j] * s.taps + j) * s.outputs;
      for (Index o = 0; o < s.outputs; ++o) out[o] += add[o];
    }
  }
};

/// Sequences whose table gradients are summed before those of others: their number depends on sizes alone.
inline Index token_conv_group(const TokenConvSizes& s) {
  return std::max<Index>(1, std::max<Index>(2048, 4 * s.vocabulary) / s.length);
}

/// Gradient of the table from one group of sequences: partial [groups, V, K, O].
template <class T>
struct TokenConvTable {
  const T* dy;
  const std::int32_t* ids;
  TokenConvSizes s;
  Index group;
  T* partial;
  LIGASE_HD void operator()(Index g) const {
    const Index width = s.taps * s.outputs, last = (g + 1) * group < s.batch ? (g + 1) * group : s.batch;
    T* sum = partial + g * s.vocabulary * width;
    for (Index i = 0; i < s.vocabulary * width; ++i) sum[i] = T(0);
    for (Index b = g * group; b < last; ++b)
      for (Index t = 0; t < s.out_length(); ++t)
        for (Index j = 0; j < s.taps; ++j) {
          T* to = sum + ids[b * s.length + t + j] * width + j * s.outputs;
          for (Index o = 0; o < s.outputs; ++o) to[o] += dy[(b * s.out_length() + t) * s.outputs + o];
        }
  }
};

template <Device D, class T>
void token_conv1d_gather(Context<D>& context, const TokenConvSizes& s, const Tensor<std::int32_t, D>& ids,
                         const Tensor<T, D>& table, const Tensor<T, D>& bias, Tensor<T, D>& y) {
  for_rows(context, s.batch * s.out_length(), TokenConvForward<T>{ids.data(), table.data(), bias.data(), s, y.data()});
}

template <Device D, class T>
void token_conv1d_scatter(Context<D>& context, const TokenConvSizes& s, Index group, const Tensor<T, D>& dy,
                          const Tensor<std::int32_t, D>& ids, Tensor<T, D>& partial) {
  for_rows(context, partial.size(0), TokenConvTable<T>{dy.data(), ids.data(), s, group, partial.data()});
}

/// What a token adds to the outputs before it: table[v, j, o] = sum over c of embedding[v, c] weight[o, c, j].
template <Device D, class T>
Tensor<T, D> token_conv_rows(Context<D>& context, const Tensor<T, D>& weight) {
  const Index outputs = weight.size(0), channels = weight.size(1), taps = weight.size(2);
  Tensor<T, D> rows({taps * outputs, channels});
  for_each(context, rows.count(), TapsFirst<T>{weight.data(), outputs, channels, taps, rows.data()});
  return rows;
}

}  // namespace ligase::inline LIGASE_ISA::generic
