#pragma once

#include <ligase/core/simd.hpp>
#include <ligase/ops/generic/token_conv1d.hpp>

#include <algorithm>

/// Lanes are 16 outputs; a work item is a sequence (forward) or a group of them (backward).
namespace ligase::inline LIGASE_ISA::device {
namespace token_conv_cpu {

using generic::TokenConvSizes;
using simd::lanes;
using simd::Pack;

inline constexpr Index any_taps = 0;

/// `width` outputs from `first` on of all tokens of one sequence; row: numbers of the table per token id.
template <Index fixed_taps, class T>
void gather(const TokenConvSizes& s, const std::int32_t* ids, const T* table, const T* bias, Index first, Index width,
            T* y) {
  const Index taps = fixed_taps == any_taps ? s.taps : fixed_taps, row = s.taps * s.outputs;
  const Pack<T> start = bias ? simd::load(bias + first, width) : Pack<T>{};
  const auto run = [&](auto&& load, auto&& store) {
    for (Index t = 0; t < s.out_length(); ++t) {
      Pack<T> sum = start;
      for (Index j = 0; j < taps; ++j) sum += load(table + ids[t + j] * row + j * s.outputs + first);
      store(y + t * s.outputs + first, sum);
    }
  };
  if (width == lanes)
    run([](const T* p) { return simd::load(p); }, [](T* p, const Pack<T>& v) { simd::store(p, v); });
  else
    run([=](const T* p) { return simd::load(p, width); }, [=](T* p, const Pack<T>& v) { simd::store(p, v, width); });
}

/// Adds the gradient of one sequence to sum [V, K, O].
template <Index fixed_taps, class T>
void scatter(const TokenConvSizes& s, const std::int32_t* ids, const T* dy, Index first, Index width, T* sum) {
  const Index taps = fixed_taps == any_taps ? s.taps : fixed_taps, row = s.taps * s.outputs;
  const auto run = [&](auto&& load, auto&& store) {
    for (Index t = 0; t < s.out_length(); ++t) {
      const Pack<T> g = load(dy + t * s.outputs + first);
      for (Index j = 0; j < taps; ++j) {
        T* const to = sum + ids[t + j] * row + j * s.outputs + first;
        store(to, load(to) + g);
      }
    }
  };
  if (width == lanes)
    run([](const T* p) { return simd::load(p); }, [](T* p, const Pack<T>& v) { simd::store(p, v); });
  else
    run([=](const T* p) { return simd::load(p, width); }, [=](T* p, const Pack<T>& v) { simd::store(p, v, width); });
}

}  // namespace token_conv_cpu

template <class T>
void token_conv1d_gather(Context<cpu>& context, const generic::TokenConvSizes& s, const Tensor<std::int32_t, cpu>& ids,
                         const Tensor<T, cpu>& table, const Tensor<T, cpu>& bias, Tensor<T, cpu>& y) {
  using namespace token_conv_cpu;
  const auto run = s.taps == 8 ? gather<8, T> : gather<any_taps, T>;
  parallel_for(context.threads, s.batch, [&](Index b) {
    for (Index first = 0; first < s.outputs; first += lanes)
      run(s, ids.data() + b * s.length, table.data(), bias.data(), first, std::min(lanes, s.outputs - first),
          y.data() + b * s.out_length() * s.outputs);
  });
}

template <class T>
void token_conv1d_scatter(Context<cpu>& context, const generic::TokenConvSizes& s, Index group,
                          const Tensor<T, cpu>& dy, const Tensor<std::int32_t, cpu>& ids, Tensor<T, cpu>& partial) {
  using namespace token_conv_cpu;
  const auto run = s.taps == 8 ? scatter<8, T> : scatter<any_taps, T>;
  const Index size = s.vocabulary * s.taps * s.outputs;
  parallel_for(context.threads, partial.size(0), [&](Index g) {
    T* const sum = partial.data() + g * size;
    std::fill_n(sum, size, T(0));
    for (Index b = g * group; b < std::min((g + 1) * group, s.batch); ++b)
      for (Index first = 0; first < s.outputs; first += lanes)
        run(s, ids.data() + b * s.length, dy.data() + b * s.out_length() * s.outputs, first,
            std::min(lanes, s.outputs - first), sum);
  });
}

}  // namespace ligase::inline LIGASE_ISA::device
