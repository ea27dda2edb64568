#pragma once

#include <ligase/core/context.hpp>
#include <ligase/core/tensor.hpp>

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// One trained parameter, or a part of one: where its elements, their gradients and the two moments of the optimiser are.
template <class T>
struct ParameterSpan {
  T* value = nullptr;
  T* gradient = nullptr;
  T* first = nullptr;
  T* second = nullptr;
  Index count = 0;
  bool decays = false;

  friend bool operator==(const ParameterSpan&, const ParameterSpan&) = default;
};

/// All trained parameters of a module, for what is done to all of them at once. On a device with memory of its own also as a
/// table there, cut into parts of at most `part` elements: a block of threads takes one.
template <class T, Device D>
class ParameterTable {
 public:
  static constexpr Index part = 4096;

  /// Nothing is copied where these are the spans that it holds.
  void assign(std::vector<ParameterSpan<T>> spans) {
    if (spans == spans_) return;
    spans_ = std::move(spans);
    parts_ = {};
    partial_ = {};
    if constexpr (D::holds_data && !D::on_host) {
      std::vector<ParameterSpan<T>> parts;
      for (const ParameterSpan<T>& p : spans_)
        for (Index i = 0; i < p.count; i += part) {
          const auto at = [i](T* x) { return x == nullptr ? x : x + i; };
          parts.push_back(
              {at(p.value), at(p.gradient), at(p.first), at(p.second), std::min(part, p.count - i), p.decays});
        }
      const auto n = static_cast<Index>(parts.size());
      if (n == 0) return;
      parts_ = Tensor<ParameterSpan<T>, D>::from({n}, parts);
      partial_ = Tensor<double, D>({n});
    }
  }

  const std::vector<ParameterSpan<T>>& spans() const { return spans_; }
  const Tensor<ParameterSpan<T>, D>& parts() const { return parts_; }
  /// One number per part, for sums in two stages; the table keeps it, so that a recorded sum can be replayed.
  Tensor<double, D> partial() const { return partial_; }

 private:
  std::vector<ParameterSpan<T>> spans_;
  Tensor<ParameterSpan<T>, D> parts_;
  Tensor<double, D> partial_;
};

/// Sum of squares in double: blocks of 4096 elements in eight lanes each, added up in the order of the blocks, whatever
/// the number of threads.
template <class T>
double sum_of_squares(int threads, Index n, const T* x) {
  constexpr Index block = 4096, lanes = 8;
  std::vector<double> sums(static_cast<std::size_t>((n + block - 1) / block));
  parallel_blocks(threads, n, block, [&](Index begin, Index end) {
    double lane[lanes] = {};
    Index i = begin;
    for (; i + lanes <= end; i += lanes)
      for (Index k = 0; k < lanes; ++k) lane[k] += static_cast<double>(x[i + k]) * static_cast<double>(x[i + k]);
    for (; i < end; ++i) lane[0] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    double sum = 0;
    for (double s : lane) sum += s;
    sums[static_cast<std::size_t>(begin / block)] = sum;
  });
  double total = 0;
  for (double s : sums) total += s;
  return total;
}

}  // namespace ligase::inline LIGASE_ISA
