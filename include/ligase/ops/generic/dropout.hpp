#pragma once

#include <ligase/core/bfloat16.hpp>
#include <ligase/core/random.hpp>
#include <ligase/core/tensor.hpp>
#include <ligase/ops/primitives.hpp>

namespace ligase::inline LIGASE_ISA::generic {

/// Four elements, one draw of random words.
template <class T>
struct Dropout {
  const T* x;
  Index count;
  std::uint64_t threshold;
  wide_t<T> scale;
  RandomStream random;
  T* y;
  LIGASE_HD void operator()(Index group) const {
    const RandomWords words = random.words(static_cast<std::uint64_t>(group));
    for (Index k = 0; k < 4 && 4 * group + k < count; ++k)
      y[4 * group + k] = words.word[k] < threshold ? wide_t<T>(0) : x[4 * group + k] * scale;
  }
};

template <Device D, class T>
void dropout_forward(Context<D>& context, const Tensor<T, D>& x, double p, const RandomStream& random,
                     Tensor<T, D>& y) {
  for_each(context, (x.count() + 3) / 4,
           Dropout<T>{x.data(), x.count(), static_cast<std::uint64_t>(p * 0x1p32 + 0.5),
                      static_cast<wide_t<T>>(p < 1 ? 1 / (1 - p) : 0), random, y.data()});
}

}  // namespace ligase::inline LIGASE_ISA::generic
