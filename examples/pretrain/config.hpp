#pragma once

#include <pretrain/options.hpp>

#include <ligase/io/json.hpp>
#include <ligase/models/checkpoint_folder.hpp>
#include <ligase/models/vocabulary.hpp>

#include <string>
#include <utility>

namespace pretrain {

/// The checkpoint's configuration, else one of the flags' sizes and the tokenizer's vocabulary.
template <class Backbone>
typename Backbone::Config config_of(const Options& o) {
  if (!o.checkpoint.empty()) {
    const std::string file = ligase::find_checkpoint_files(o.checkpoint.string()).config.string();
    return Backbone::read_config(ligase::parse_json_file<ligase::Json>(file), file);
  }
  typename Backbone::Config config;
  config.d_model = o.d_model;
  config.n_layer = o.n_layer;
  return ligase::with_vocabulary<Backbone>(std::move(config), o.tokenizer);
}

}  // namespace pretrain
