#pragma once

#include "backbone.hpp"

#include <ligase/instantiate.hpp>
#include <ligase/train/optimizer.hpp>
#include <ligase/train/schedule.hpp>

#include <algorithm>
#include <limits>

namespace ligase_verify {

/// recipe.json of an AdamW trajectory.
struct Recipe {
  AdamWConfig optimizer;
  double largest_norm = std::numeric_limits<double>::infinity(), clip_epsilon = 1e-6;
  CosineSchedule schedule;
  std::vector<std::string> decayed, not_decayed;
  std::vector<double> losses, grad_norms, lrs;  ///< empty where the file has none
};
CosineSchedule read_schedule(const Json& json, const std::string& where);
Recipe read_recipe(const std::filesystem::path& path);

/// An AdamW trajectory: loss, gradient norm and learning rate of every step, the weights after the last, and the loss on the
/// first batch with them.
template <class Backbone, class D, class P>
void verify_training(const CaseFolder& folder, Tally& tally) {
  using Ids = Tensor<std::int32_t, cpu>;
  const Json json = read_config_json(folder);
  const Recipe recipe = read_recipe(folder.path / "recipe.json");
  const StateDict weights = open_state_dict(find_weights(folder.path));
  LanguageModel<Backbone, D, P> model(read_config<Backbone>(folder, json, weights));
  load_containers(model, folder, weights, tally);
  allocate_gradients(model);
  const Index ignored = field_or(json, "pad_token_id", default_ignored_label, (folder.path / "config.json").string());

  std::vector<std::string> decayed, not_decayed;
  visit_parameters(model, [&](const std::string& name, auto& p) { (p.decay ? decayed : not_decayed).push_back(name); });
  const auto same_names = [&](const char* field, std::vector<std::string> expected, std::vector<std::string> found) {
    std::sort(expected.begin(), expected.end());
    std::sort(found.begin(), found.end());
    const auto at = std::mismatch(expected.begin(), expected.end(), found.begin(), found.end());
    tally.agree(std::string("recipe.json: ") + field, expected == found,
                at.first == expected.end() ? "no more names" : *at.first,
                at.second == found.end() ? "no more names" : *at.second);
  };
  same_names("decayed", recipe.decayed, decayed);
  same_names("not_decayed", recipe.not_decayed, not_decayed);

  TensorFile cases(folder.path / "cases.safetensors", tally);
  const Ids ids = cases.integers("input_ids", 3), labels = cases.integers("labels", 3);
  check_shape("labels", ids.shape(), labels.shape());
  const Index steps = ids.size(0);
  const auto batch = [&](const Ids& all, Index i) {
    return to_device<D>(all.slice(i, i + 1).reshaped({all.size(1), all.size(2)}));
  };

  Context<D> context;
  context.threads = folder.threads;
  AdamW<typename P::Weight, D> optimizer(recipe.optimizer);
  std::vector<double> losses, norms, rates;
  for (Index step = 0; step < steps; ++step) {
    zero_gradients(model);
    losses.push_back(model.loss_and_gradients(context, batch(ids, step), batch(labels, step), ignored).loss);
    norms.push_back(gradient_norm(context, model));
    rates.push_back(recipe.schedule.rate(step));
    optimizer.step(context, model, rates.back(),
                   std::min(1.0, recipe.largest_norm / (norms.back() + recipe.clip_epsilon)));
  }

  const auto compare = [&](const std::string& name, const std::string& field, const std::vector<double>& found,
                           const std::vector<double>& in_recipe, Quantity quantity) {
    if (cases.expects(name)) cases.compare(name, {steps}, found, quantity);
    if (in_recipe.empty()) return;
    if (in_recipe.size() != found.size())
      tally.agree("recipe.json: " + field, false, std::to_string(found.size()) + " numbers",
                  std::to_string(in_recipe.size()));
    else
      tally.numbers("recipe.json: " + field, in_recipe, found, tally.in_double() ? Quantity::real : quantity);
  };
  compare("loss", "losses", losses, recipe.losses, Quantity::training_loss);
  compare("grad_norm", "grad_norms", norms, recipe.grad_norms, Quantity::gradient_norm);
  compare("lr", "lrs", rates, recipe.lrs, Quantity::real);
  if (cases.expects("loss_batch0_after"))
    cases.compare("loss_batch0_after", model.loss(context, batch(ids, 0), batch(labels, 0), ignored).loss,
                  Quantity::training_loss);
  cases.finish();

  TensorFile last(folder.path / "final.safetensors", tally, "final.safetensors: ");
  visit_tensors(model, [&](const std::string& name, auto& x, bool is_alias) {
    constexpr bool is_weight = requires { x.gradient; };
    if (!is_alias && is_weight && !last.holds(name)) tally.failure("final.safetensors: " + name + " is missing");
    last.compare(name, x.value, is_weight ? Quantity::weights : Quantity::exact);
  });
  last.finish();
}

}  // namespace ligase_verify
