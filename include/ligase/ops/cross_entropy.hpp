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

/// What that mean is made of, where it was computed: the sum of terms, the sum of weights, the number of targets. [3]
template <Device D>
using LossSums = Tensor<double, D>;

/// Waits for the device.
template <Device D>
CrossEntropy read(Context<D>& context, const LossSums<D>& sums) {
  const auto values = generic::host_view(context, sums);
  if (values.size() == 0) return {};
  return {values[1] != 0 ? values[0] / values[1] : 0, static_cast<Index>(values[2]), values[1]};
}

/// Share of counted targets whose largest logit is the label's.
struct Accuracy {
  Index correct = 0;
  Index count = 0;
  double share() const { return count == 0 ? 0 : static_cast<double>(correct) / static_cast<double>(count); }
};

namespace detail {
template <Device D, class T>
void check_targets(Context<D>& context, const char* where, const Tensor<T, D>& logits,
                   const Tensor<std::int32_t, D>& labels, const Tensor<wide_t<T>, D>& weights, Index ignore) {
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
  generic::check_ids(context, where, labels, x[-1], ignore);
}
}  // namespace detail

/// Sums of cross_entropy, left on the device.
template <Device D, class T>
LossSums<D> cross_entropy_sums(Context<D>& context, const Tensor<T, D>& logits, const Tensor<std::int32_t, D>& labels,
                               Index ignore, const std::type_identity_t<Tensor<wide_t<T>, D>>& weights = {}) {
  detail::check_targets(context, "cross_entropy", logits, labels, weights, ignore);
  LossSums<D> sums({3});
  using generic::cross_entropy_forward;
  cross_entropy_forward(context, logits, labels, ignore, weights, sums);
  return sums;
}

/// Cross-entropy of a softmax: sum_r w_r (ln sum_v e^(x_rv - max) + max - x_r,label) / sum_r w_r over targets r whose label
/// is not `ignore`; w = 1 without weights. logits: [..., V]   labels, weights: [...]. Terms in the type of weights, their sum
/// in double and in a fixed order. O(count) time. No counted target, or weights that sum to 0: loss 0, gradient 0. Throws kind
/// `input` for any other label outside 0 .. V-1. Matches torch.nn.functional.cross_entropy(ignore_index) and, with weights,
/// weighted_cross_entropy of kuleshov-group/caduceus.
template <Device D, class T>
CrossEntropy cross_entropy(Context<D>& context, const Tensor<T, D>& logits, const Tensor<std::int32_t, D>& labels,
                           Index ignore, const std::type_identity_t<Tensor<wide_t<T>, D>>& weights = {}) {
  return read(context, cross_entropy_sums(context, logits, labels, ignore, weights));
}

/// dlogits (=) of factor * loss, for the sums on the same input.
template <Device D, class T>
Tensor<T, D> cross_entropy_backward(Context<D>& context, const LossSums<D>& sums, const Tensor<T, D>& logits,
                                    const Tensor<std::int32_t, D>& labels, Index ignore, double factor = 1,
                                    const std::type_identity_t<Tensor<wide_t<T>, D>>& weights = {}) {
  check_shape("cross_entropy_backward sums", {3}, sums.shape());
  detail::check_targets(context, "cross_entropy_backward", logits, labels, weights, ignore);
  Tensor<T, D> dlogits(logits.shape());
  using generic::cross_entropy_backward;
  cross_entropy_backward(context, sums, logits, labels, ignore, weights, factor, dlogits);
  return dlogits;
}
/// The same for the result of `cross_entropy`.
template <Device D, class T>
Tensor<T, D> cross_entropy_backward(Context<D>& context, const CrossEntropy& result, const Tensor<T, D>& logits,
                                    const Tensor<std::int32_t, D>& labels, Index ignore, double factor = 1,
                                    const std::type_identity_t<Tensor<wide_t<T>, D>>& weights = {}) {
  const double sums[]{result.loss * result.weight, result.weight, static_cast<double>(result.count)};
  return cross_entropy_backward(context, to_device<D>(Tensor<double>::from({3}, sums)), logits, labels, ignore, factor,
                                weights);
}

/// How often the first largest logit is the label's, over labels other than `ignore`. O(count) time.
template <Device D, class T>
Accuracy accuracy(Context<D>& context, const Tensor<T, D>& logits, const Tensor<std::int32_t, D>& labels,
                  Index ignore) {
  detail::check_targets(context, "accuracy", logits, labels, Tensor<wide_t<T>, D>(), ignore);
  Tensor<double, D> counts({2});
  using generic::accuracy_forward;
  accuracy_forward(context, logits, labels, ignore, counts);
  const auto values = generic::host_view(context, counts);
  if (values.size() == 0) return {};
  return {static_cast<Index>(values[0]), static_cast<Index>(values[1])};
}

}  // namespace ligase::inline LIGASE_ISA::ops
