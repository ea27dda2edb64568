#pragma once

#include <ligase/core/simd.hpp>
#include <ligase/ops/generic/batch_norm.hpp>

#include <algorithm>

/// Where a few rows fill 16 lanes exactly they are taken as one: [rows, C] is read as [rows / r, r C]. Sums run over tiles of
/// 256 such rows, then over the tiles, then over the r columns of a channel.
namespace ligase::inline LIGASE_ISA::device {
namespace batch_norm_cpu {

using simd::lanes;
using simd::Pack;

struct Columns {
  Index count, channels, width, rows;

  Columns(Index numbers, Index c)
      : count(numbers), channels(c), width(lanes % c == 0 ? lanes : c), rows((numbers + width - 1) / width) {}
  /// Lanes at column e of a row, 0 behind the end.
  Index lanes_at(Index row, Index e) const {
    return std::max<Index>(0, std::min(std::min(lanes, width - e), count - row * width - e));
  }
};

/// A vector [C] repeated to the width of a row.
template <class T>
Tensor<T, cpu> repeated(const Columns& s, const Tensor<T, cpu>& x) {
  Tensor<T, cpu> y({s.width});
  for (Index i = 0; i < s.width; ++i) y.data()[i] = x.data()[i % s.channels];
  return y;
}

inline constexpr Index tile_rows = 256;

/// out[k] (=): the sums that add(offset, column, lanes, sums) adds up over all rows.
template <std::size_t sums, class T, class Add>
void column_sums(Context<cpu>& context, const Columns& s, Tensor<T, cpu>* const (&out)[sums], Add&& add) {
  const Index tiles = (s.rows + tile_rows - 1) / tile_rows;
  constexpr auto parts = static_cast<Index>(sums);
  Tensor<T, cpu> partial({tiles, parts, s.width});
  parallel_for(context.threads, tiles, [&](Index tile) {
    const Index end = std::min(s.rows, (tile + 1) * tile_rows);
    for (Index e = 0; e < s.width; e += lanes) {
      Pack<T> sum[sums] = {};
      for (Index row = tile * tile_rows; row < end; ++row)
        if (const Index n = s.lanes_at(row, e); n > 0) add(row * s.width + e, e, n, sum);
      for (Index k = 0; k < parts; ++k)
        simd::store(partial.data() + (tile * parts + k) * s.width + e, sum[k], std::min(lanes, s.width - e));
    }
  });
  for (Index k = 0; k < parts; ++k)
    for (Index c = 0; c < s.channels; ++c) {
      T total = T(0);
      for (Index e = c; e < s.width; e += s.channels) {
        T column = T(0);
        for (Index tile = 0; tile < tiles; ++tile) column += partial.data()[(tile * parts + k) * s.width + e];
        total += column;
      }
      out[k]->data()[c] = total;
    }
}

/// f(offset, column, lanes) for every pack.
template <class F>
void for_packs(Context<cpu>& context, const Columns& s, F&& f) {
  parallel_blocks(context.threads, s.rows, tile_rows, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row)
      for (Index e = 0; e < s.width; e += lanes)
        if (const Index n = s.lanes_at(row, e); n > 0) f(row * s.width + e, e, n);
  });
}

}  // namespace batch_norm_cpu

template <class T>
void batch_norm_sum(Context<cpu>& context, const Tensor<T, cpu>& x, Tensor<T, cpu>& sum) {
  using namespace batch_norm_cpu;
  column_sums<1, T>(context, Columns(x.count(), sum.count()), {&sum},
                    [&](Index i, Index, Index n, Pack<T>(&s)[1]) { s[0] += simd::load(x.data() + i, n); });
}

template <class T>
void batch_norm_squares(Context<cpu>& context, const Tensor<T, cpu>& x, const Tensor<T, cpu>& mean,
                        Tensor<T, cpu>& sum) {
  using namespace batch_norm_cpu;
  const Columns columns(x.count(), mean.count());
  const Tensor<T, cpu> m = repeated(columns, mean);
  column_sums<1, T>(context, columns, {&sum}, [&](Index i, Index e, Index n, Pack<T>(&s)[1]) {
    const Pack<T> d = simd::load(x.data() + i, n) - simd::load(m.data() + e, n);
    s[0] = simd::fma(d, d, s[0]);
  });
}

template <class T>
void batch_norm_products(Context<cpu>& context, const Tensor<T, cpu>& dy, const Tensor<T, cpu>& x,
                         const Tensor<T, cpu>& mean, Tensor<T, cpu>& sum, Tensor<T, cpu>& product) {
  using namespace batch_norm_cpu;
  const Columns columns(x.count(), mean.count());
  const Tensor<T, cpu> m = repeated(columns, mean);
  column_sums<2, T>(context, columns, {&sum, &product}, [&](Index i, Index e, Index n, Pack<T>(&s)[2]) {
    const Pack<T> g = simd::load(dy.data() + i, n);
    s[0] += g;
    s[1] = simd::fma(g, simd::load(x.data() + i, n) - simd::load(m.data() + e, n), s[1]);
  });
}

template <class T>
void batch_norm_apply(Context<cpu>& context, const Tensor<T, cpu>& x, const Tensor<T, cpu>& mean,
                      const Tensor<T, cpu>& scale, const Tensor<T, cpu>& bias, Tensor<T, cpu>& y) {
  using namespace batch_norm_cpu;
  const Columns columns(x.count(), mean.count());
  const Tensor<T, cpu> m = repeated(columns, mean), a = repeated(columns, scale), b = repeated(columns, bias);
  T* const out = y.data();
  for_packs(context, columns, [&](Index i, Index e, Index n) {
    const Pack<T> d = simd::load(x.data() + i, n) - simd::load(m.data() + e, n);
    simd::store(out + i, simd::fma(d, simd::load(a.data() + e, n), simd::load(b.data() + e, n)), n);
  });
}

template <class T>
void batch_norm_data(Context<cpu>& context, const Tensor<T, cpu>& dy, const Tensor<T, cpu>& x,
                     const Tensor<T, cpu>& mean, const Tensor<T, cpu>& scale, const Tensor<T, cpu>& gradient_mean,
                     const Tensor<T, cpu>& slope, Tensor<T, cpu>& dx) {
  using namespace batch_norm_cpu;
  const Columns columns(x.count(), mean.count());
  const Tensor<T, cpu> m = repeated(columns, mean), a = repeated(columns, scale), g = repeated(columns, gradient_mean),
                       c = repeated(columns, slope);
  T* const out = dx.data();
  for_packs(context, columns, [&](Index i, Index e, Index n) {
    const Pack<T> d = simd::load(m.data() + e, n) - simd::load(x.data() + i, n);
    const Pack<T> inner =
        simd::fma(d, simd::load(c.data() + e, n), simd::load(dy.data() + i, n) - simd::load(g.data() + e, n));
    simd::store(out + i, simd::load(a.data() + e, n) * inner, n);
  });
}

}  // namespace ligase::inline LIGASE_ISA::device
