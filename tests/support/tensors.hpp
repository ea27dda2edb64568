#pragma once

#include <ligase/core/tensor.hpp>

#include <algorithm>

namespace ligase_test {

template <class T>
using Cpu = ligase::Tensor<T, ligase::cpu>;

/// Equal shape and equal numbers.
template <class T>
bool equal(const Cpu<T>& a, const Cpu<T>& b) {
  return a.shape() == b.shape() && std::equal(a.span().begin(), a.span().end(), b.span().begin());
}

/// Exchanges the last two dimensions of [B, R, C].
template <class T>
Cpu<T> transposed(const Cpu<T>& x) {
  const ligase::Index b = x.size(0), r = x.size(1), c = x.size(2);
  Cpu<T> y({b, c, r});
  for (ligase::Index i = 0; i < x.count(); ++i)
    y.data()[i / (r * c) * r * c + i % c * r + i / c % r] = x.data()[i];
  return y;
}

/// Reverses the tokens of [B, L, C].
template <class T>
Cpu<T> flipped(const Cpu<T>& x) {
  Cpu<T> y(x.shape());
  const ligase::Index l = x.size(1), c = x.size(2);
  for (ligase::Index i = 0; i < x.count(); ++i) {
    const ligase::Index t = i / c % l;
    y.data()[i + (l - 1 - 2 * t) * c] = x.data()[i];
  }
  return y;
}

}  // namespace ligase_test
