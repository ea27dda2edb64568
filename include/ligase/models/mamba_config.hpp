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
  throw Error{{.kind = ErrorKind::input,
               .what = what,
               .where = where,
               .expected = std::move(expected),
               .found = std::move(found)}};
}

/// Refuses a config.json of another system than the one of that `--model` name, and says which it is.
template <class J>
void require_architecture(const J& json, const std::string& name, const std::string& where) {
  const Architecture found = architecture_of(json, where);
  if (found.name != name) refuse_config(where, "the checkpoint is of another architecture", name, found.title);
}

/// Fields that give sizes: their products stay below 2^63.
inline void require_size(const std::string& where, const char* field, Index value, Index most) {
  if (value < 1 || value > most)
    refuse_config(where, std::string("field \"") + field + "\" is out of range", "1 to " + std::to_string(most),
                  std::to_string(value));
}

/// Members of `ssm_cfg` but dt_rank, which is a number or "auto".
template <class Config, class Visitor>
void visit_ssm_fields(Config& c, Visitor& v) {
  v("d_state", c.d_state);
  v("d_conv", c.d_conv);
  v("expand", c.expand);
  v("dt_min", c.dt_min);
  v("dt_max", c.dt_max);
  v("dt_init", c.dt_init);
  v("dt_scale", c.dt_scale);
  v("dt_init_floor", c.dt_init_floor);
  v("conv_bias", c.conv_bias);
  v("bias", c.bias);
  v("use_fast_path", c.use_fast_path);
}

template <class J>
SsmConfig read_ssm(const J& json, const std::string& where) {
  SsmConfig c;
  const FieldReader<J> read{json, where};
  visit_ssm_fields(c, read);
  const J* rank = find_member(json, "dt_rank");
  const auto* rank_text = rank == nullptr ? nullptr : json_as<typename J::string_t>(*rank);
  if (rank != nullptr && (rank_text == nullptr || *rank_text != "auto")) {
    c.dt_rank = require<Index>(json, "dt_rank", where);
    require_size(where, "dt_rank", c.dt_rank, 1 << 16);
  }
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

template <class J>
J write_ssm(const SsmConfig& c) {
  FieldWriter<J> write;
  visit_ssm_fields(c, write);
  if (c.dt_rank > 0)
    write("dt_rank", c.dt_rank);
  else
    write("dt_rank", std::string("auto"));
  return std::move(write.object);
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

/// Weights of the embedding and of n_layer mixers of one direction: what a model of these sizes has at least. (A double,
/// because sizes from a hostile file multiply beyond 2^63.)
template <class Config>
double least_weights(const Config& c) {
  const SsmConfig& ssm = c.ssm_cfg;
  const auto d = static_cast<double>(c.d_model), inner = d * static_cast<double>(ssm.expand);
  const auto rank = static_cast<double>(ssm.rank(c.d_model)), states = static_cast<double>(ssm.d_state);
  const double projections = 3 * d, steps = 2 * rank, inputs_and_states = 3 * states,
               taps = static_cast<double>(ssm.d_conv);
  const double mixer = inner * (projections + steps + inputs_and_states + taps + 2);
  return static_cast<double>(c.padded_vocab_size()) * d + static_cast<double>(c.n_layer) * mixer;
}

/// Refuses a large configuration that has more weights than the file has bytes, before they are allocated. (Of small ones
/// load_weights tells more.)
template <class Config>
void check_against_weights(const Config& c, const std::string& where, Index bytes) {
  const double least = least_weights(c);
  constexpr double large = 1 << 24;
  if (least <= large || least <= static_cast<double>(bytes)) return;
  const auto size = [](const char* name, Index value) { return std::string(name) + std::to_string(value); };
  refuse_config(where, "the sizes need more weights than model.safetensors holds",
                "what fits into " + std::to_string(bytes) + " bytes",
                size("n_layer ", c.n_layer) + size(", d_model ", c.d_model) + size(", vocab_size ", c.vocab_size) +
                    size(", expand ", c.ssm_cfg.expand) + size(", d_state ", c.ssm_cfg.d_state) +
                    size(", d_conv ", c.ssm_cfg.d_conv) + size(", dt_rank ", c.ssm_cfg.rank(c.d_model)));
}

/// Members of `initializer_cfg`.
template <class Config, class Visitor>
void visit_initializer_fields(Config& c, Visitor& v) {
  v("initializer_range", c.initializer_range);
  v("rescale_prenorm_residual", c.rescale_prenorm_residual);
  v("n_residuals_per_layer", c.n_residuals_per_layer);
}

/// Fields that Caduceus and Mamba share, as both originals name them, but the sizes and objects.
template <class Config, class Visitor>
void visit_stack_fields(Config& c, Visitor& v) {
  v("pad_vocab_size_multiple", c.pad_vocab_size_multiple);
  v("norm_epsilon", c.norm_epsilon);
  v("rms_norm", c.rms_norm);
  v("residual_in_fp32", c.residual_in_fp32);
  v("fused_add_norm", c.fused_add_norm);
}

/// A field that the file leaves out has the default of the originals' classes; sizes may not be left out.
template <class J, class Config>
void read_stack(const J& json, Config& c, const std::string& where) {
  c.d_model = require<Index>(json, "d_model", where);
  c.n_layer = require<Index>(json, "n_layer", where);
  c.vocab_size = require<Index>(json, "vocab_size", where);
  c.residual_in_fp32 = true;
  const FieldReader<J> read{json, where};
  visit_stack_fields(c, read);
  if (const J* ssm = optional_member(json, "ssm_cfg", where))
    c.ssm_cfg = read_ssm(*ssm, where + ": ssm_cfg");
  if (const J* init = optional_member(json, "initializer_cfg", where)) {
    const FieldReader<J> read_initializer{*init, where + ": initializer_cfg"};
    visit_initializer_fields(c.initializer_cfg, read_initializer);
  }
  if (const auto pad = optional_field<Index>(json, "pad_token_id", where);
      pad && *pad >= padded_vocabulary(c.vocab_size, std::max<Index>(1, c.pad_vocab_size_multiple)))
    refuse_config(where, "pad_token_id lies outside the vocabulary", "below vocab_size " + std::to_string(c.vocab_size),
                  std::to_string(*pad));
  check_stack(c, where);
  c.published = std::make_shared<const J>(json);
}

template <class J>
J write_initializer(const InitializerConfig& c) {
  FieldWriter<J> write;
  visit_initializer_fields(c, write);
  return std::move(write.object);
}

template <class J, class Config>
J write_stack(const Config& c) {
  FieldWriter<J> write;
  write("d_model", c.d_model);
  write("n_layer", c.n_layer);
  visit_stack_fields(c, write);
  write("ssm_cfg", write_ssm<J>(c.ssm_cfg));
  write("initializer_cfg", write_initializer<J>(c.initializer_cfg));
  return std::move(write.object);
}

/// Puts those fields of `now` into `document` that differ from `before`.
template <class J>
void put_changes(J& document, const J& before, const J& now) {
  for (auto field = now.begin(); field != now.end(); ++field) {
    const auto old = before.find(field.key());
    if (old != before.end() && *old == *field) continue;
    J& place = document[field.key()];
    if (old != before.end() && old->is_object() && field->is_object() && place.is_object())
      put_changes(place, *old, *field);
    else
      place = *field;
  }
}

/// The config.json of a configuration. One that was read comes back as it was, unknown fields, left-out ones and null
/// included, but for the fields that were changed since; `fields(config)` are the known ones.
template <class Backbone, class J>
J written_config(const typename Backbone::Config& c) {
  const std::string where = "config.json as it was read";
  J document = *c.published;
  put_changes(document, Backbone::template fields<J>(Backbone::read_config(document, where)),
              Backbone::template fields<J>(c));
  return document;
}

}  // namespace detail
}  // namespace ligase::inline LIGASE_ISA
