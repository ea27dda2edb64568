#pragma once

#include <ligase/io/json.hpp>
#include <ligase/models/architecture.hpp>
#include <ligase/nn/mamba.hpp>

namespace ligase::inline LIGASE_ISA {

/// `initializer_cfg` of a published config.json.
struct InitializerConfig {
  double initializer_range = 0.02;
  bool rescale_prenorm_residual = true;
  Index n_residuals_per_layer = 1;
};

/// Vocabulary rounded up to a multiple; the added ids are never produced by a tokenizer.
constexpr Index padded_vocabulary(Index size, Index multiple) { return (size + multiple - 1) / multiple * multiple; }

namespace detail {

[[noreturn]] inline void refuse_config(const std::string& where, const std::string& what, std::string expected,
                                       std::string found) {
  throw Error{{.kind = ErrorKind::input, .what = what, .where = where, .expected = std::move(expected), .found = std::move(found)}};
}

/// Refuses a config.json of another system than the one of that `--model` name, and says which it is.
inline void require_architecture(const Json& json, const std::string& name, const std::string& where) {
  const Architecture found = architecture_of(json, where);
  if (found.name != name)
    refuse_config(where, "the checkpoint is of another architecture", name, found.title);
}

/// Fields that give sizes: their products stay below 2^63.
inline void require_size(const std::string& where, const char* field, Index value, Index most) {
  if (value < 1 || value > most)
    refuse_config(where, std::string("field \"") + field + "\" is out of range", "1 to " + std::to_string(most),
                  std::to_string(value));
}

inline SsmConfig read_ssm(const Json& json, const std::string& where) {
  SsmConfig c;
  c.d_state = field_or(json, "d_state", c.d_state, where);
  c.d_conv = field_or(json, "d_conv", c.d_conv, where);
  c.expand = field_or(json, "expand", c.expand, where);
  if (const auto rank = json.find("dt_rank"); rank != json.end() && *rank != "auto") {
    c.dt_rank = require<Index>(json, "dt_rank", where);
    require_size(where, "dt_rank", c.dt_rank, 1 << 16);
  }
  c.dt_min = field_or(json, "dt_min", c.dt_min, where);
  c.dt_max = field_or(json, "dt_max", c.dt_max, where);
  c.dt_init = field_or(json, "dt_init", c.dt_init, where);
  c.dt_scale = field_or(json, "dt_scale", c.dt_scale, where);
  c.dt_init_floor = field_or(json, "dt_init_floor", c.dt_init_floor, where);
  c.conv_bias = field_or(json, "conv_bias", c.conv_bias, where);
  c.bias = field_or(json, "bias", c.bias, where);
  c.use_fast_path = field_or(json, "use_fast_path", c.use_fast_path, where);
  require_size(where, "d_state", c.d_state, 1 << 12);
  require_size(where, "d_conv", c.d_conv, 1 << 10);
  require_size(where, "expand", c.expand, 1 << 8);
  if (c.dt_init != "random" && c.dt_init != "constant")
    refuse_config(where, "field \"dt_init\" is unknown", "\"random\" or \"constant\"", "\"" + c.dt_init + "\"");
  if (!(c.dt_min > 0) || !(c.dt_max >= c.dt_min))
    refuse_config(where, "contradicting step sizes", "0 < dt_min <= dt_max",
                  "dt_min " + std::to_string(c.dt_min) + ", dt_max " + std::to_string(c.dt_max));
  if (!(c.dt_scale > 0) || !(c.dt_init_floor >= 0))
    refuse_config(where, "contradicting step sizes", "dt_scale above 0, dt_init_floor of 0 or more",
                  "dt_scale " + std::to_string(c.dt_scale) + ", dt_init_floor " + std::to_string(c.dt_init_floor));
  return c;
}

inline Json write_ssm(const SsmConfig& c) {
  Json json{{"d_state", c.d_state}, {"d_conv", c.d_conv}, {"expand", c.expand}};
  if (c.dt_rank > 0)
    json["dt_rank"] = c.dt_rank;
  else
    json["dt_rank"] = "auto";
  json["dt_min"] = c.dt_min;
  json["dt_max"] = c.dt_max;
  json["dt_init"] = c.dt_init;
  json["dt_scale"] = c.dt_scale;
  json["dt_init_floor"] = c.dt_init_floor;
  json["conv_bias"] = c.conv_bias;
  json["bias"] = c.bias;
  json["use_fast_path"] = c.use_fast_path;
  return json;
}

template <class Config>
void check_stack(const Config& c, const std::string& where) {
  require_size(where, "d_model", c.d_model, 1 << 16);
  require_size(where, "n_layer", c.n_layer, 1 << 12);
  require_size(where, "vocab_size", c.vocab_size, 1 << 24);
  require_size(where, "pad_vocab_size_multiple", c.pad_vocab_size_multiple, 1 << 16);
  require_size(where, "n_residuals_per_layer", c.initializer_cfg.n_residuals_per_layer, 1 << 12);
  if (!(c.initializer_cfg.initializer_range >= 0))
    refuse_config(where, "field \"initializer_range\" is out of range", "0 or more",
                  std::to_string(c.initializer_cfg.initializer_range));
  if (!(c.norm_epsilon > 0))
    refuse_config(where, "field \"norm_epsilon\" is out of range", "above 0", std::to_string(c.norm_epsilon));
}

/// Refuses a configuration whose projections and embedding alone are large and have more weights than the file has bytes,
/// before they are allocated. (Of small ones load_weights tells more.)
template <class Config>
void check_against_weights(const Config& c, const std::string& where, Index bytes) {
  const double d = static_cast<double>(c.d_model);
  const double least = 3.0 * static_cast<double>(c.n_layer * c.ssm_cfg.expand) * d * d + static_cast<double>(c.vocab_size) * d;
  constexpr double large = 1 << 28;
  if (least > large && least > static_cast<double>(bytes))
    refuse_config(where, "the sizes need more weights than model.safetensors holds",
                  "what fits into " + std::to_string(bytes) + " bytes",
                  "n_layer " + std::to_string(c.n_layer) + ", d_model " + std::to_string(c.d_model) + ", expand " +
                      std::to_string(c.ssm_cfg.expand) + ", vocab_size " + std::to_string(c.vocab_size));
}

/// Fields that Caduceus and Mamba share. A field that the file leaves out has the default of the originals' classes; sizes may
/// not be left out.
template <class Config>
void read_stack(const Json& json, Config& c, const std::string& where) {
  c.d_model = require<Index>(json, "d_model", where);
  c.n_layer = require<Index>(json, "n_layer", where);
  c.vocab_size = require<Index>(json, "vocab_size", where);
  c.pad_vocab_size_multiple = field_or(json, "pad_vocab_size_multiple", c.pad_vocab_size_multiple, where);
  c.norm_epsilon = field_or(json, "norm_epsilon", c.norm_epsilon, where);
  c.rms_norm = field_or(json, "rms_norm", c.rms_norm, where);
  c.residual_in_fp32 = field_or(json, "residual_in_fp32", true, where);
  c.fused_add_norm = field_or(json, "fused_add_norm", c.fused_add_norm, where);
  if (const auto ssm = json.find("ssm_cfg"); ssm != json.end() && !ssm->is_null())
    c.ssm_cfg = read_ssm(require<Json>(json, "ssm_cfg", where), where + ": ssm_cfg");
  if (const auto init = json.find("initializer_cfg"); init != json.end() && !init->is_null()) {
    const std::string place = where + ": initializer_cfg";
    auto& i = c.initializer_cfg;
    i.initializer_range = field_or(*init, "initializer_range", i.initializer_range, place);
    i.rescale_prenorm_residual = field_or(*init, "rescale_prenorm_residual", i.rescale_prenorm_residual, place);
    i.n_residuals_per_layer = field_or(*init, "n_residuals_per_layer", i.n_residuals_per_layer, place);
  }
  if (const auto pad = optional_field<Index>(json, "pad_token_id", where);
      pad && *pad >= padded_vocabulary(c.vocab_size, std::max<Index>(1, c.pad_vocab_size_multiple)))
    refuse_config(where, "pad_token_id lies outside the vocabulary", "below vocab_size " + std::to_string(c.vocab_size),
                  std::to_string(*pad));
  check_stack(c, where);
  c.published = std::make_shared<const Json>(json);
}

inline Json write_initializer(const InitializerConfig& c) {
  return {{"initializer_range", c.initializer_range},
          {"rescale_prenorm_residual", c.rescale_prenorm_residual},
          {"n_residuals_per_layer", c.n_residuals_per_layer}};
}

/// Fields of the stack, as both originals name them.
template <class Config>
Json write_stack(const Config& c) {
  return {{"d_model", c.d_model},
          {"n_layer", c.n_layer},
          {"ssm_cfg", write_ssm(c.ssm_cfg)},
          {"rms_norm", c.rms_norm},
          {"residual_in_fp32", c.residual_in_fp32},
          {"fused_add_norm", c.fused_add_norm},
          {"pad_vocab_size_multiple", c.pad_vocab_size_multiple},
          {"norm_epsilon", c.norm_epsilon},
          {"initializer_cfg", write_initializer(c.initializer_cfg)}};
}

/// Puts those fields of `now` into `document` that differ from `before`.
inline void put_changes(Json& document, const Json& before, const Json& now) {
  for (auto field = now.begin(); field != now.end(); ++field) {
    const auto old = before.find(field.key());
    if (old != before.end() && *old == *field) continue;
    Json& place = document[field.key()];
    if (old != before.end() && old->is_object() && field->is_object() && place.is_object())
      put_changes(place, *old, *field);
    else
      place = *field;
  }
}

/// The config.json of a configuration. One that was read comes back as it was, unknown fields, left-out ones and null
/// included, but for the fields that were changed since; `fields(config)` are the known ones.
template <class Backbone>
Json written_config(const typename Backbone::Config& c) {
  const std::string where = "config.json as it was read";
  Json document = *c.published;
  put_changes(document, Backbone::fields(Backbone::read_config(document, where)), Backbone::fields(c));
  return document;
}

}  // namespace detail
}  // namespace ligase::inline LIGASE_ISA
