#include <pretrain/plan.hpp>

#include <common/models.hpp>

#include <ligase/core/device.hpp>
#include <ligase/heads/language_model.hpp>
#include <ligase/io/json.hpp>
#include <ligase/models/checkpoint_folder.hpp>
#include <ligase/seq/tokenizer/char.hpp>

namespace pretrain {

using namespace ligase;

namespace {

template <class Backbone>
Plan measure(const Options& o) {
  typename Backbone::Config config;
  config.d_model = o.d_model;
  config.n_layer = o.n_layer;
  if (!o.checkpoint.empty()) {
    const std::string file = (o.checkpoint / "config.json").string();
    config = Backbone::read_config(parse_json_file<Json>(file), file);
  }
  const CharTokenizer tokenizer;
  config.vocab_size = std::max(config.vocab_size, tokenizer.vocab_size());
  if constexpr (requires { config.complement_map; })
    config.complement_map = tokenizer.complement_map(config.padded_vocab_size());

  MemoryCounter& counter = memory_counter<meta>();
  counter.reset_peak();
  const Index before = counter.live;
  LanguageModel<Backbone, meta, fp32> network(config);
  set_recompute(network.backbone.stack, o.recompute);
  allocate_gradients(network);
  Plan plan;
  plan.parameters = parameter_count(network);
  const double moments = 2.0 * sizeof(float) * static_cast<double>(plan.parameters);
  plan.kept_bytes = static_cast<double>(counter.live - before) + moments;
  Context<meta> context;
  const Tensor<std::int32_t, meta> ids({o.batch_size, o.length}), labels(ids.shape());
  network.loss_and_gradients(context, ids, labels, CharTokenizer::pad);
  plan.bytes = static_cast<double>(counter.peak - before) + moments;
  return plan;
}

}  // namespace

Plan plan_training(const Options& o) {
  Plan plan;
  ligase_cli::with_model(o.model, "fp32", [&]<class Backbone, class P>() { plan = measure<Backbone>(o); });
  const double width = o.common.precision == "fp64" ? 2 : 1;
  plan.bytes *= width;
  plan.kept_bytes *= width;
  return plan;
}

}  // namespace pretrain
