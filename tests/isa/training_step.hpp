#pragma once

#include <ligase/ligase.hpp>

#include <vector>

namespace {

/// Loss, gradients and logits of a small model: what two files of one program compute with different instruction sets.
std::vector<float> training_step() {
  using namespace ligase;
  CaduceusConfig config;
  config.d_model = 40;
  config.n_layer = 2;
  Model<BiMamba<RCPS>, CharTokenizer> model(config, 7);
  allocate_gradients(model);
  Tensor<std::int32_t> ids({2, 150}), labels({2, 150});
  for (Index i = 0; i < ids.count(); ++i) {
    ids.data()[i] = static_cast<std::int32_t>(7 + i * i % 11 % 4);
    labels.data()[i] = static_cast<std::int32_t>(7 + i % 4);
  }
  Context<> context = model.context();
  std::vector<float> values;
  values.push_back(static_cast<float>(model.network().loss_and_gradients(context, ids, labels, CharTokenizer::pad).loss));
  const auto append = [&](const Tensor<float>& x) { values.insert(values.end(), x.data(), x.data() + x.count()); };
  visit_parameters(model, [&](const std::string&, auto& p) { append(p.gradient); });
  append(model.logits(ids));
  return values;
}

}  // namespace
