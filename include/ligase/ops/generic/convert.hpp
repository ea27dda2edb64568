#pragma once

#include <ligase/core/tensor.hpp>
#include <ligase/ops/primitives.hpp>

#include <type_traits>

namespace ligase::inline LIGASE_ISA::generic {

template <class From, class To>
struct Convert {
  const From* x;
  To* y;
  LIGASE_HD void operator()(Index i) const { y[i] = static_cast<To>(x[i]); }
};

/// The tensor in number type T: itself, where that is its own, else a rounded or widened copy. O(count) time.
template <class T, Device D, class From>
decltype(auto) as(Context<D>& context, const Tensor<From, D>& x) {
  if constexpr (std::is_same_v<T, From>) {
    return (x);
  } else {
    Tensor<T, D> y(x.shape());
    for_each(context, x.count(), Convert<From, T>{x.data(), y.data()});
    return y;
  }
}

}  // namespace ligase::inline LIGASE_ISA::generic
