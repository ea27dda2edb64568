#pragma once

#include <ligase/ops/generic/cross_entropy.hpp>

#include <type_traits>

namespace ligase::inline LIGASE_ISA::ops {

/// A mean over counted targets.
struct CrossEntropy {
  double loss = 0;
  Index count = 0;    ///< targets other than the ignored label
  double weight = 0;  ///< sum of their weights: loss * weight is the sum that was divided
};

/// Share of counted targets whose largest logit is the label's.
struct Accuracy {
  Index correct = 0;
  Index count = 0;
  double share() const { return count == 0 ? 0 : static_cast<double>(correct) / static_cast<double>(count); }
};

namespace detail {
template <Device D, class T>
Index check_targets(Context<D>& context, const char* where, const Tensor<T, D>& logits,
                    const Tensor<std::int32_t, D>& labels, const Tensor<T, D>& weights, Index ignore) {
  const Shape& x = logits.shape();
  if (x.rank() < 2 || x[-1] < 1 || x.count() / x[-1] != labels.count())
    throw Error{{.kind = ErrorKind::shape,
                 .what = "logits and labels do not fit",
                 .where = where,
                 .expected = "[..., V] and [...]",
                 .found = x.text() + " and " + labels.shape().text()}};
  if (!weights.empty() && weights.count() != labels.count())
    throw Error{{.kind = ErrorKind::shape,
                 .what = "one weight per label is needed",
                 .where = where,
                 .expected = std::to_string(labels.count()),
                 .found = std::to_string(weights.count())}};
  return generic::count_labels(context, where, labels, x[-1], ignore);
}
}  // namespace detail

/// Cross-entropy of a softmax: sum_r w_r (ln sum_v e^(x_rv - max) + max - x_r,label) / sum_r w_r over targets r whose label
/// is not `ignore`; w = 1 without weights. logits: [..., V]   labels, weights: [...]. Terms in T, their sum in double and in
/// order. O(count) time. No counted target, or weights that sum to 0: loss 0, gradient 0. Throws kind `input` for any other
/// label outside 0 .. V-1. Matches torch.nn.functional.cross_entropy(ignore_index) and, with weights, weighted_cross_entropy
/// of kuleshov-group/caduceus.
template <Device D, class T>
CrossEntropy cross_entropy(Context<D>& context, const Tensor<T, D>& logits, const Tensor<std::int32_t, D>& labels,
                           Index ignore, const std::type_identity_t<Tensor<T, D>>& weights = {}) {
  CrossEntropy result;
  result.count = detail::check_targets(context, "cross_entropy", logits, labels, weights, ignore);
  Tensor<T, D> terms(labels.shape()), used(labels.shape());
  using generic::cross_entropy_forward;
  cross_entropy_forward(context, logits, labels, ignore, weights, terms, used);
  result.weight = generic::host_sum(context, used);
  if (result.weight != 0) result.loss = generic::host_sum(context, terms) / result.weight;
  return result;
}

/// dlogits (=) of factor * loss, for the result of `cross_entropy` on the same input.
template <Device D, class T>
Tensor<T, D> cross_entropy_backward(Context<D>& context, const CrossEntropy& result, const Tensor<T, D>& logits,
                                    const Tensor<std::int32_t, D>& labels, Index ignore, double factor = 1,
                                    const std::type_identity_t<Tensor<T, D>>& weights = {}) {
  detail::check_targets(context, "cross_entropy_backward", logits, labels, weights, ignore);
  Tensor<T, D> dlogits(logits.shape());
  using generic::cross_entropy_backward;
  cross_entropy_backward(context, logits, labels, ignore, weights,
                         static_cast<T>(result.weight != 0 ? factor / result.weight : 0), dlogits);
  return dlogits;
}

/// How often the first largest logit is the label's, over labels other than `ignore`. O(count) time.
template <Device D, class T>
Accuracy accuracy(Context<D>& context, const Tensor<T, D>& logits, const Tensor<std::int32_t, D>& labels,
                  Index ignore) {
  Accuracy result;
  result.count = detail::check_targets(context, "accuracy", logits, labels, Tensor<T, D>(), ignore);
  Tensor<T, D> hits(labels.shape());
  using generic::accuracy_forward;
  accuracy_forward(context, logits, labels, ignore, hits);
  result.correct = static_cast<Index>(generic::host_sum(context, hits));
  return result;
}

}  // namespace ligase::inline LIGASE_ISA::ops
