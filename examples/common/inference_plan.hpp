#pragma once

#include <common/models.hpp>

#include <ligase/core/cuda/planning.hpp>

#include <algorithm>
#include <chrono>
#include <type_traits>
#include <vector>

namespace ligase_cli {

/// What a pass through a model costs, known before its weights are read.
struct InferencePlan {
  Index parameters = 0;
  double peak_bytes = 0;    ///< most that tensors hold at once, weights included
  double weight_bytes = 0;  ///< of these the weights
  double bytes_per_token = 0;
  double tokens_per_second = 0;
};

/// Whether a pass ends with hidden states or with logits.
enum class PassOutput { hidden, logits };

namespace detail {

template <class Network, class D>
void run_pass(const Network& network, ligase::Context<D>& context, const ligase::Tensor<ligase::TokenId, D>& ids,
              PassOutput output) {
  if (output == PassOutput::hidden)
    network.hidden(context, ids);
  else
    network.logits(context, ids);
}

/// Tokens per second, from one layer of these channels run on this machine for a moment.
template <class Backbone, class D, class P>
double measured_rate(typename Backbone::Config config, Index batch, Index length, PassOutput output, int threads) {
  const auto layers = static_cast<double>(config.n_layer);
  config.n_layer = 1;
  ligase::LanguageModel<Backbone, D, P> network(config);
  initialize(network, 1);
  constexpr Index most_tokens = D::on_host ? 4096 : 1 << 17;
  length = std::min(length, most_tokens);
  batch = std::clamp<Index>(most_tokens / length, 1, batch);
  const auto ids = ligase::Tensor<ligase::TokenId, D>::zeros({batch, length});
  ligase::Context<D> context;
  context.threads = threads;
  double seconds = 0;
  for (int i = 0; i < 2; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    run_pass(network, context, ids, output);
    wait_for<D>();
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  return static_cast<double>(batch * length) / (seconds * layers);
}

}  // namespace detail

/// One pass of [batch, length] tokens: sizes without running it, on `cuda` by its own operations, else by the host's on shapes
/// alone; time from one layer that runs for a moment.
template <class Backbone, class D, class P>
InferencePlan plan_inference(const typename Backbone::Config& config, Index batch, Index length, PassOutput output,
                             int threads) {
  constexpr bool own = std::is_same_v<D, ligase::cuda>;
  using Shapes = std::conditional_t<own, D, ligase::meta>;
  using Numbers = std::conditional_t<own, P, ligase::fp32>;
  constexpr double width = sizeof(typename P::Activation) / double{sizeof(typename Numbers::Activation)},
                   weight_width = sizeof(typename P::Weight) / double{sizeof(typename Numbers::Weight)};
  InferencePlan plan;
  ligase::device::planned<Shapes>([&] {
    ligase::MemoryCounter& counter = ligase::memory_counter<Shapes>();
    counter.reset_peak();
    const Index before = counter.live;
    ligase::LanguageModel<Backbone, Shapes, Numbers> network(config);
    plan.parameters = ligase::parameter_count(network);
    const auto weights = static_cast<double>(counter.live - before);
    plan.weight_bytes = weight_width * weights;
    ligase::Context<Shapes> context;
    detail::run_pass(network, context, ligase::Tensor<ligase::TokenId, Shapes>({batch, length}), output);
    plan.peak_bytes = plan.weight_bytes + width * (static_cast<double>(counter.peak - before) - weights);
  });
  plan.bytes_per_token = (plan.peak_bytes - plan.weight_bytes) / static_cast<double>(batch * length);
  plan.tokens_per_second = detail::measured_rate<Backbone, D, P>(config, batch, length, output, threads);
  return plan;
}

}  // namespace ligase_cli
