#pragma once

#include <ligase/core/bfloat16.hpp>
#include <ligase/core/math.hpp>
#include <ligase/ops/generic/host_view.hpp>
#include <ligase/ops/generic/row_sum.hpp>
#include <ligase/ops/primitives.hpp>

namespace ligase::inline LIGASE_ISA::generic {

template <class T>
LIGASE_HD wide_t<T> row_maximum(const T* x, Index width) {
  wide_t<T> maximum = x[0];
  for (Index v = 1; v < width; ++v) maximum = x[v] > maximum ? static_cast<wide_t<T>>(x[v]) : maximum;
  return maximum;
}
/// A term of row_sum.
template <class T>
struct AddExponential {
  const T* x;
  wide_t<T> shift;
  LIGASE_HD wide_t<T> operator()(Index v, wide_t<T> sum) const { return sum + math::exp(x[v] - shift); }
};

template <class T>
struct CrossEntropyForward {
  using W = wide_t<T>;
  const T* logits;
  const std::int32_t* labels;
  Index ignore;
  const W* weights;
  Index width;
  W *terms, *used;
  LIGASE_HD void operator()(Index row) const {
    const Index label = labels[row];
    used[row] = terms[row] = W(0);
    if (label == ignore) return;
    const T* x = logits + row * width;
    const W maximum = row_maximum(x, width), weight = weights ? weights[row] : W(1);
    const W sum = row_sum<W>(width, AddExponential<T>{x, maximum});
    used[row] = weight;
    terms[row] = weight * (sum > W(0) ? math::log(sum) + (maximum - x[label]) : sum);  // math::log takes no NaN
  }
};
/// The three sums of a loss, one index each.
template <class W>
struct SumLoss {
  const W *terms, *used;
  const std::int32_t* labels;
  Index ignore, count;
  double* sums;
  LIGASE_HD void operator()(Index which) const {
    double sum = 0;
    for (Index i = 0; i < count; ++i)
      sum += which == 0 ? static_cast<double>(terms[i]) : which == 1 ? static_cast<double>(used[i]) : labels[i] != ignore;
    sums[which] = sum;
  }
};
template <class T>
struct CrossEntropyBackward {
  using W = wide_t<T>;
  const double* sums;
  const T* logits;
  const std::int32_t* labels;
  Index ignore;
  const W* weights;
  double factor;
  Index width;
  T* dlogits;
  LIGASE_HD void operator()(Index row) const {
    const Index label = labels[row];
    const T* x = logits + row * width;
    T* dx = dlogits + row * width;
    if (label == ignore) {
      for (Index v = 0; v < width; ++v) dx[v] = T(0);
      return;
    }
    const W per_target = static_cast<W>(sums[1] != 0 ? factor / sums[1] : 0);
    const W maximum = row_maximum(x, width), outer = weights ? per_target * weights[row] : per_target;
    const W scale = outer / row_sum<W>(width, AddExponential<T>{x, maximum});
    for (Index v = 0; v < width; ++v) {
      const W by_softmax = scale * math::exp(x[v] - maximum);
      dx[v] = v == label ? by_softmax - outer : by_softmax;
    }
  }
};
/// Hits, then counted targets.
template <class T>
struct CountHits {
  const T* logits;
  const std::int32_t* labels;
  Index ignore, rows, width;
  double* counts;
  LIGASE_HD void operator()(Index which) const {
    Index n = 0;
    for (Index row = 0; row < rows; ++row) {
      if (labels[row] == ignore) continue;
      const T* x = logits + row * width;
      Index best = 0;
      for (Index v = 1; which == 0 && v < width; ++v) best = x[v] > x[best] ? v : best;
      n += which == 1 || best == labels[row];
    }
    counts[which] = static_cast<double>(n);
  }
};

template <Device D, class T>
void cross_entropy_forward(Context<D>& context, const Tensor<T, D>& logits, const Tensor<std::int32_t, D>& labels,
                           Index ignore, const Tensor<wide_t<T>, D>& weights, Tensor<double, D>& sums) {
  Tensor<wide_t<T>, D> terms(labels.shape()), used(labels.shape());
  for_rows(context, labels.count(),
           CrossEntropyForward<T>{logits.data(), labels.data(), ignore, weights.data(), logits.size(-1), terms.data(),
                                  used.data()});
  for_rows(context, 3,
           SumLoss<wide_t<T>>{terms.data(), used.data(), labels.data(), ignore, labels.count(), sums.data()});
}
template <Device D, class T>
void cross_entropy_backward(Context<D>& context, const Tensor<double, D>& sums, const Tensor<T, D>& logits,
                            const Tensor<std::int32_t, D>& labels, Index ignore, const Tensor<wide_t<T>, D>& weights,
                            double factor, Tensor<T, D>& dlogits) {
  for_rows(context, labels.count(),
           CrossEntropyBackward<T>{sums.data(), logits.data(), labels.data(), ignore, weights.data(), factor,
                                   logits.size(-1), dlogits.data()});
}
template <Device D, class T>
void accuracy_forward(Context<D>& context, const Tensor<T, D>& logits, const Tensor<std::int32_t, D>& labels,
                      Index ignore, Tensor<double, D>& counts) {
  for_rows(context, 2,
           CountHits<T>{logits.data(), labels.data(), ignore, labels.count(), logits.size(-1), counts.data()});
}

}  // namespace ligase::inline LIGASE_ISA::generic
