#include "training.hpp"

namespace ligase_verify {

CosineSchedule read_schedule(const Json& json, const std::string& where) {
  return {.base_lr = require<double>(json, "base_lr", where),
          .warmup_t = require<double>(json, "warmup_t", where),
          .t_initial = require<double>(json, "t_initial", where),
          .warmup_lr_init = require<double>(json, "warmup_lr_init", where),
          .lr_min = require<double>(json, "lr_min", where),
          .warmup_prefix = require<bool>(json, "warmup_prefix", where)};
}

Recipe read_recipe(const std::filesystem::path& path) {
  const std::string where = path.string();
  const Json json = parse_json_file(path);
  const auto refuse = [&](const char* what, const std::string& expected, const std::string& found) {
    throw Error{{.kind = ErrorKind::input, .what = what, .where = where, .expected = expected, .found = found}};
  };
  if (const auto name = require<std::string>(json, "optimizer", where); name != "AdamW")
    refuse("unknown optimizer", "AdamW", name);
  const auto betas = require<std::vector<double>>(json, "betas", where);
  if (betas.size() != 2) refuse("field \"betas\"", "two numbers", std::to_string(betas.size()));
  Recipe recipe;
  recipe.optimizer = {.beta1 = betas[0],
                      .beta2 = betas[1],
                      .epsilon = require<double>(json, "eps", where),
                      .weight_decay = require<double>(json, "weight_decay", where)};
  recipe.largest_norm = field_or(json, "clip_grad_norm", recipe.largest_norm, where);
  recipe.clip_epsilon = field_or(json, "clip_eps", recipe.clip_epsilon, where);
  const Json schedule = require<Json>(json, "schedule", where);
  if (const auto kind = require<std::string>(schedule, "kind", where + ": schedule"); kind != "timm cosine")
    refuse("unknown schedule", "timm cosine", kind);
  recipe.schedule = read_schedule(schedule, where + ": schedule");
  recipe.decayed = require<std::vector<std::string>>(json, "decayed", where);
  recipe.not_decayed = require<std::vector<std::string>>(json, "not_decayed", where);
  recipe.losses = field_or(json, "losses", recipe.losses, where);
  recipe.grad_norms = field_or(json, "grad_norms", recipe.grad_norms, where);
  recipe.lrs = field_or(json, "lrs", recipe.lrs, where);
  return recipe;
}

}  // namespace ligase_verify
