#pragma once

#include <ligase/core/math.hpp>
#include <ligase/ops/generic/host_view.hpp>
#include <ligase/ops/generic/row_sum.hpp>
#include <ligase/ops/primitives.hpp>

namespace ligase::inline LIGASE_ISA::generic {

template <class T>
LIGASE_HD T row_maximum(const T* x, Index width) {
  T maximum = x[0];
  for (Index v = 1; v < width; ++v) maximum = x[v] > maximum ? x[v] : maximum;
  return maximum;
}
/// A term of row_sum.
template <class T>
struct AddExponential {
  const T* x;
  T shift;
  LIGASE_HD T operator()(Index v, T sum) const { return sum + math::exp(x[v] - shift); }
};

template <class T>
struct CrossEntropyForward {
  const T* logits;
  const std::int32_t* labels;
  Index ignore;
  const T* weights;
  Index width;
  T *terms, *used;
  LIGASE_HD void operator()(Index row) const {
    const Index label = labels[row];
    used[row] = terms[row] = T(0);
    if (label == ignore) return;
    const T *x = logits + row * width, maximum = row_maximum(x, width), weight = weights ? weights[row] : T(1);
    const T sum = row_sum<T>(width, AddExponential<T>{x, maximum});
    used[row] = weight;
    terms[row] = weight * (sum > T(0) ? math::log(sum) + (maximum - x[label]) : sum);  // math::log takes no NaN
  }
};
template <class T>
struct CrossEntropyBackward {
  const T* logits;
  const std::int32_t* labels;
  Index ignore;
  const T* weights;
  T factor;
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
    const T maximum = row_maximum(x, width), outer = weights ? factor * weights[row] : factor;
    const T scale = outer / row_sum<T>(width, AddExponential<T>{x, maximum});
    for (Index v = 0; v < width; ++v) dx[v] = scale * math::exp(x[v] - maximum);
    dx[label] -= outer;
  }
};
template <class T>
struct AccuracyForward {
  const T* logits;
  const std::int32_t* labels;
  Index ignore, width;
  T* hits;
  LIGASE_HD void operator()(Index row) const {
    const T* x = logits + row * width;
    Index best = 0;
    for (Index v = 1; v < width; ++v) best = x[v] > x[best] ? v : best;
    hits[row] = labels[row] != ignore && best == labels[row] ? T(1) : T(0);
  }
};

/// Labels other than `ignore`; throws unless these are all in 0 .. limit-1.
template <Device D>
Index count_labels(Context<D>& context, const char* where, const Tensor<std::int32_t, D>& labels, Index limit,
                   Index ignore) {
  check_ids(context, where, labels, limit, ignore);
  const auto values = host_view(context, labels);
  Index count = 0;
  for (std::size_t i = 0; i < values.size(); ++i) count += values[i] != ignore;
  return count;
}

template <Device D, class T>
void cross_entropy_forward(Context<D>& context, const Tensor<T, D>& logits, const Tensor<std::int32_t, D>& labels,
                           Index ignore, const Tensor<T, D>& weights, Tensor<T, D>& terms, Tensor<T, D>& used) {
  for_rows(context, labels.count(),
           CrossEntropyForward<T>{logits.data(), labels.data(), ignore, weights.data(), logits.size(-1), terms.data(),
                                  used.data()});
}
template <Device D, class T>
void cross_entropy_backward(Context<D>& context, const Tensor<T, D>& logits, const Tensor<std::int32_t, D>& labels,
                            Index ignore, const Tensor<T, D>& weights, T factor, Tensor<T, D>& dlogits) {
  for_rows(context, labels.count(),
           CrossEntropyBackward<T>{logits.data(), labels.data(), ignore, weights.data(), factor, logits.size(-1),
                                   dlogits.data()});
}
template <Device D, class T>
void accuracy_forward(Context<D>& context, const Tensor<T, D>& logits, const Tensor<std::int32_t, D>& labels,
                      Index ignore, Tensor<T, D>& hits) {
  for_rows(context, labels.count(),
           AccuracyForward<T>{logits.data(), labels.data(), ignore, logits.size(-1), hits.data()});
}

}  // namespace ligase::inline LIGASE_ISA::generic
