#include <finetune/memory.hpp>

#include <common/memory.hpp>
#include <common/models.hpp>

#include <ligase/io/json.hpp>
#include <ligase/models/checkpoint_folder.hpp>
#include <ligase/models/cnn.hpp>

#include <algorithm>

namespace ligase_cli {

using namespace ligase;

double least_memory(const std::string& model, const RunSettings& settings, const Task& task) {
  double weights = 0, kept_per_token = 0;
  if (model == "cnn") {
    const CnnConfig config{.input_len = settings.max_length};
    weights = static_cast<double>(CnnConfig::channels[2] * config.last_length() * CnnConfig::hidden);
    kept_per_token = static_cast<double>(CnnConfig::channels[0]);
  } else {
    with_named_backbone(model, [&]<class Backbone>() {
      typename Backbone::Config config;
      if (settings.checkpoint.empty()) {
        config.d_model = settings.d_model;
        config.n_layer = settings.n_layer;
      } else {
        const std::string where = find_checkpoint_files(settings.checkpoint).config.string();
        config = Backbone::read_config(parse_json_file<Json>(where), where);
      }
      weights = detail::least_weights(config);
      kept_per_token = static_cast<double>(config.d_model) * static_cast<double>(settings.frozen ? 1 : config.n_layer);
    });
  }
  const double rows =
      settings.frozen ? 1
                      : std::min(static_cast<double>(settings.batch_size), static_cast<double>(task.train.rows.size()));
  const double copies = settings.frozen ? 1 : 5;
  return sizeof(float) * (copies * weights + kept_per_token * rows * static_cast<double>(settings.max_length));
}

void check_memory(const FinetunePlan& plan) {
  for (std::size_t i = 0; i < plan.runs.size(); ++i) {
    const RunIdentity& run = plan.runs[i];
    check_memory(least_memory(run.model, plan.settings[i], plan.tasks.at(run.task)),
                 "a run of " + run.model + " on " + run.task, "d_model, n_layer, max_length, batch_size");
  }
}

}  // namespace ligase_cli
