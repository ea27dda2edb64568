#pragma once

#include <ligase/nn/param.hpp>
#include <ligase/nn/wire.hpp>
#include <ligase/ops/batch_norm.hpp>

#include <algorithm>
#include <cstdint>

namespace ligase::inline LIGASE_ISA {

namespace detail {
struct CountUp {
  std::int64_t* count;
  LIGASE_HD void operator()(Index i) const { ++count[i]; }
};
}  // namespace detail

/// Batch normalisation of the last dimension (ops::batch_norm). While context.training is set, `forward` normalises by the
/// statistics of its own input and moves the running ones; in evaluation and in `infer` the running ones serve, so that a
/// sequence's result does not depend on its batch. Weight and bias are exempt from weight decay. Names, first values and
/// counts as torch.nn.BatchNorm1d.
template <Device D, class P>
struct BatchNorm {
  using T = typename P::Activation;
  using X = Tensor<T, D>;
  using Saved = ops::BatchNormSaved<T, D>;

  BatchNorm() = default;
  BatchNorm(Index channels, double epsilon, double step)
      : weight({channels}, Init::constant(1), false),
        bias({channels}, Init::constant(0), false),
        running_mean{X::zeros({channels})},
        running_var{X({channels})},
        batches{Tensor<std::int64_t, D>::zeros({})},
        eps(epsilon),
        momentum(step) {
    fill_on_host(running_var.value, [](auto values) { std::fill(values.begin(), values.end(), T(1)); });
  }

  X infer(Context<D>& context, X x) const { return normalise(context, x, false, nullptr); }
  X forward(Context<D>& context, X x, Saved& saved) const { return normalise(context, x, context.training, &saved); }
  X backward(Context<D>& context, X dy, Saved& saved) {
    return ops::batch_norm_backward(context, dy, saved, weight.value, weight.gradient, bias.gradient);
  }
  void visit(auto&& v) {
    v("weight", weight);
    v("bias", bias);
    v("running_mean", running_mean);
    v("running_var", running_var);
    v("num_batches_tracked", batches);
  }

  Parameter<T, D> weight, bias;
  Running<T, D> running_mean, running_var;
  Running<std::int64_t, D> batches;
  double eps = 1e-5, momentum = 0.1;

 private:
  X normalise(Context<D>& context, const X& x, bool of_batch, Saved* saved) const {
    ops::BatchStatistics<T, D> statistics{running_mean.value, running_var.value};
    if (of_batch) {
      // Tensors share their elements with their copies: these write to the running statistics.
      X mean = running_mean.value, variance = running_var.value;
      Tensor<std::int64_t, D> count = batches.value;
      statistics = ops::batch_statistics(context, x);
      ops::move_running_statistics(context, statistics, x.count() / x.size(-1), momentum, mean, variance);
      for_each(context, 1, detail::CountUp{count.data()});
    }
    return ops::batch_norm(context, x, statistics, weight.value, bias.value, eps, of_batch, saved);
  }
};

}  // namespace ligase::inline LIGASE_ISA
