#pragma once

#include "backbone.hpp"

#include <ligase/core/precision.hpp>
#include <ligase/models/cnn.hpp>

namespace ligase_verify {

/// A step in training, the running statistics after it, and evaluation with them; no weight changes.
template <class D, class P>
void verify_cnn(const CaseFolder& folder, Tally& tally) {
  const std::string where = (folder.path / "config.json").string();
  CnnClassifier<D, P> model(read_cnn_config(read_config_json(folder), where));
  load_weights(model, Safetensors(folder.path / "model.safetensors"));
  allocate_gradients(model);

  TensorFile cases(folder.path / "cases.safetensors", tally);
  const auto ids = to_device<D>(cases.integers("input_ids", 2)), labels = to_device<D>(cases.integers("labels", 1));
  Context<D> context;
  context.threads = folder.threads;
  context.training = true;
  wire::saved_t<CnnClassifier<D, P>, Tensor<std::int32_t, D>> saved;
  const auto logits = wire::forward(model, context, ids, saved);
  const auto loss = ops::cross_entropy(context, logits, labels, model.no_ignored_label);
  wire::backward(model, context, ops::cross_entropy_backward(context, loss, logits, labels, model.no_ignored_label),
                 saved);
  cases.compare("train.logits", logits, Quantity::output);
  cases.compare("train.loss", loss.loss, Quantity::loss);
  compare_gradients(model, cases);
  visit_tensors(model, [&](const std::string& name, auto& x, bool) {
    if constexpr (ligase::detail::is_running<std::remove_reference_t<decltype(x)>>::value)
      cases.compare("after." + name, x.value, Quantity::output);
  });
  context.training = false;
  cases.compare("eval.logits", model.logits(context, ids), Quantity::output);
  cases.finish();
}

}  // namespace ligase_verify
