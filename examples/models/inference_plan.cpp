#include <common/inference_plan.hpp>
#include <common/models.hpp>

#include <ligase/core/cuda/planning.hpp>

#include <algorithm>
#include <chrono>
#include <type_traits>

namespace ligase_cli {

using namespace ligase;

namespace {

template <class Network, class D>
void run_pass(const Network& network, Context<D>& context, const Tensor<TokenId, D>& ids, PassOutput output) {
  if (output == PassOutput::hidden)
    network.hidden(context, ids);
  else
    network.logits(context, ids);
}

/// Tokens per second, from one layer of these channels run on this machine for a moment.
template <class Backbone, class D, class P>
double measured_rate(typename Backbone::Config config, Index length, PassOutput output, int threads) {
  const auto layers = static_cast<double>(config.n_layer);
  config.n_layer = 1;
  LanguageModel<Backbone, D, P> network(config);
  initialize(network, 1);
  constexpr Index most_tokens = D::on_host ? 4096 : 1 << 17;
  length = std::min(length, most_tokens);
  const auto ids = Tensor<TokenId, D>::zeros({1, length});
  Context<D> context;
  context.threads = threads;
  double seconds = 0;
  for (int i = 0; i < 2; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    run_pass(network, context, ids, output);
    wait_for<D>();
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  return static_cast<double>(length) / (seconds * layers);
}

template <class Backbone, class D, class P>
InferencePlan plan_pass(const typename Backbone::Config& config, Index length, PassOutput output, int threads) {
  constexpr bool own = std::is_same_v<D, cuda>;
  using Shapes = std::conditional_t<own, D, meta>;
  using Numbers = std::conditional_t<own, P, fp32>;
  constexpr double width = sizeof(typename P::Activation) / double{sizeof(typename Numbers::Activation)},
                   weight_width = sizeof(typename P::Weight) / double{sizeof(typename Numbers::Weight)};
  InferencePlan plan{.d_model = config.d_model};
  device::planned<Shapes>([&] {
    MemoryCounter& counter = memory_counter<Shapes>();
    counter.reset_peak();
    const Index before = counter.live;
    LanguageModel<Backbone, Shapes, Numbers> network(config);
    plan.parameters = parameter_count(network);
    const auto weights = static_cast<double>(counter.live - before);
    plan.weight_bytes = weight_width * weights;
    Context<Shapes> context;
    run_pass(network, context, Tensor<TokenId, Shapes>({1, length}), output);
    plan.peak_bytes = plan.weight_bytes + width * (static_cast<double>(counter.peak - before) - weights);
  });
  plan.bytes_per_token = (plan.peak_bytes - plan.weight_bytes) / static_cast<double>(length);
  plan.tokens_per_second = measured_rate<Backbone, D, P>(config, length, output, threads);
  return plan;
}

}  // namespace

InferencePlan plan_inference(const std::string& model, const std::filesystem::path& config_file, const CommonFlags& flags,
                             Index length, PassOutput output) {
  const std::string where = config_file.string();
  const Json config = parse_json_file(config_file);
  return with_model(model, flags, [&]<class Backbone, class D, class P>() {
    return plan_pass<Backbone, D, P>(Backbone::read_config(config, where), length, output, flags.threads);
  });
}

}  // namespace ligase_cli
