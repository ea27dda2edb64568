#include "classifier.hpp"
#include "runs.hpp"

#include <ligase/models/caduceus.hpp>

namespace ligase_verify {

HeadOfCase read_head(const CaseFolder& folder, const Json& json, const StateDict& weights, Kind kind) {
  const std::string where = (folder.path / "config.json").string();
  const bool finetuning = kind == Kind::caduceus_finetuning;
  const TensorView& score = weights.at(finetuning ? "decoder.0.output_transform.weight" : "score.weight");
  if (score.shape.rank() != 2 || score.shape[0] < 1)
    throw Error{{.kind = ErrorKind::input,
                 .what = "the head has the wrong shape",
                 .where = weights.where(),
                 .expected = "[classes, D]",
                 .found = score.shape.text()}};
  HeadOfCase head;
  head.config.classes = score.shape[0];
  head.config.layout = finetuning ? ClassifierLayout::training : ClassifierLayout::hugging_face;
  head.has_bias = finetuning && field_or(json, "head_bias", true, where);
  head.problem_type = field_or(json, "problem_type", head.problem_type, where);
  const std::string pooling = field_or(json, finetuning ? "pool" : "pooling_strategy", std::string("mean"), where);
  const auto found = std::find_if(poolings.begin(), poolings.end(), [&](const auto& p) { return pooling == p.first; });
  if (found == poolings.end())
    throw Error{{.kind = ErrorKind::input,
                 .what = "unknown pooling",
                 .where = where,
                 .expected = "mean, max, first or last",
                 .found = pooling}};
  head.config.pooling = found->second;
  if (const auto labels = optional_field<Index>(json, "num_labels", where); labels && *labels != head.config.classes)
    throw Error{{.kind = ErrorKind::input,
                 .what = "field \"num_labels\" contradicts the weights",
                 .where = where,
                 .expected = std::to_string(head.config.classes),
                 .found = std::to_string(*labels)}};
  return head;
}

namespace {

template <class Backbone>
Run* run_of(const CaseFolder& folder, const Tally& tally) {
#if defined(LIGASE_WITH_CUDA)
  if (folder.on_gpu)
    return tally.arithmetic() == Arithmetic::bf16 ? run_classifier<Backbone, cuda, bf16>
                                                  : run_classifier<Backbone, cuda, fp32>;
#endif
  (void)folder;
  return tally.in_double() ? run_classifier<Backbone, cpu, fp64> : run_classifier<Backbone, cpu, fp32>;
}

}  // namespace

void verify_classifier(const CaseFolder& folder, Kind kind, Tally& tally) {
  const Json json = read_config_json(folder);
  const bool rcps = field_or(json, "rcps", false, (folder.path / "config.json").string());
  (rcps ? run_of<BiMamba<RCPS>>(folder, tally) : run_of<BiMamba<None>>(folder, tally))(folder, kind, tally);
}

}  // namespace ligase_verify
