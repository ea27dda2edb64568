#include <pretrain/plan.hpp>

#include <common/models.hpp>
#include <pretrain/config.hpp>
#include <pretrain/measure.hpp>

#include <ligase/core/random.hpp>

#include <algorithm>
#include <string>

namespace pretrain {

using namespace ligase;

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
    plan = measure_step<Backbone, meta, fp32>(config_of<Backbone>(o), o.recompute, o.batch_size, tokens_of_window(o), o.packed);
  });
  const double width = o.common.precision == "fp64" ? 2 : 1;
  plan.bytes *= width;
  plan.kept_bytes *= width;
  return plan;
}

}  // namespace pretrain
