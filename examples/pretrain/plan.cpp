#include <pretrain/plan.hpp>

#include <common/models.hpp>
#include <pretrain/config.hpp>

#include <ligase/core/device.hpp>
#include <ligase/core/random.hpp>
#include <ligase/heads/language_model.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace pretrain {

using namespace ligase;

namespace {

template <class Backbone, class P>
Plan measure(const Options& o) {
  MemoryCounter& counter = memory_counter<meta>();
  counter.reset_peak();
  const Index before = counter.live;
  LanguageModel<Backbone, meta, P> network(config_of<Backbone>(o));
  set_recompute(network.backbone.stack, o.recompute);
  allocate_gradients(network);
  Plan plan;
  plan.parameters = parameter_count(network);
  const double moments = 2.0 * sizeof(float) * static_cast<double>(plan.parameters);
  plan.kept_bytes = static_cast<double>(counter.live - before) + moments;
  Context<meta> context;
  const Index tokens = tokens_of_window(o);
  Shape shape{o.batch_size, tokens};
  if (o.packed) {
    auto offsets = std::make_shared<std::vector<Index>>();
    for (Index i = 0; i <= o.batch_size; ++i) offsets->push_back(i * tokens);
    context.offsets = std::move(offsets);
    shape = {1, o.batch_size * tokens};
  }
  const Tensor<std::int32_t, meta> ids(shape), labels(shape);
  network.loss_and_gradients(context, ids, labels, 0);
  plan.bytes = static_cast<double>(counter.peak - before) + moments;
  return plan;
}

}  // namespace

Index tokens_of_window(const Options& o) {
  if (!o.packed) return o.length;
  constexpr Index sample = 1 << 16;
  const RandomStream random{o.common.seed, 0, hash_name("pretrain.plan")};
  std::string letters;
  for (Index i = 0; i < std::min(o.length, sample); ++i) letters += "ACGT"[random.below(static_cast<std::uint64_t>(i), 4)];
  const auto tokens = std::max<Index>(1, std::ssize(o.tokenizer.encode(letters)));
  return o.length <= sample ? tokens : tokens * (o.length / sample + 1);
}

Plan plan_training(const Options& o) {
  Plan plan;
  ligase_cli::with_named_backbone(o.model, [&]<class Backbone>() {
    if constexpr (ligase_cli::has_cuda)
      if (o.common.precision == "bf16") {
        plan = measure<Backbone, bf16>(o);
        return;
      }
    plan = measure<Backbone, fp32>(o);
  });
  const double width = o.common.precision == "fp64" ? 2 : 1;
  plan.bytes *= width;
  plan.kept_bytes *= width;
  return plan;
}

}  // namespace pretrain
