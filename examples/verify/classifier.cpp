#include "classifier.hpp"
#include "runs.hpp"

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

void verify_classifier(const CaseFolder& folder, Kind kind, Tally& tally) {
  const Json json = read_config_json(folder);
  const bool rcps = field_or(json, "rcps", false, (folder.path / "config.json").string());
  const auto run = rcps ? (tally.in_double() ? run_caduceus_ps_classifier_fp64 : run_caduceus_ps_classifier_fp32)
                        : (tally.in_double() ? run_caduceus_ph_classifier_fp64 : run_caduceus_ph_classifier_fp32);
  run(folder, kind, tally);
}

}  // namespace ligase_verify
