#pragma once

#include <device/op_case.hpp>

#include <ligase/core/precision.hpp>
#include <ligase/nn/mamba.hpp>

#include <memory>

namespace ligase_test {

/// The mixer as layers wire it: one operation where the device has that, its plain wiring elsewhere.
template <class T, class D>
OpCase<T, D> mixer_case(const Sizes& s, ligase::SsmConfig config, bool bidirectional) {
  using Wide = ligase::wide_t<T>;
  using P = ligase::Precision<T, Wide, Wide>;
  using Mixer = ligase::BiMambaMixer<D, P>;
  config.d_state = s.states;
  struct Run {
    Mixer mixer;
    ligase::wire::saved_t<Mixer, Tensor<T, D>> saved;
  };
  const auto run = std::make_shared<Run>();
  run->mixer = Mixer(s.channels, config, {bidirectional, true, false});

  std::vector<Input> inputs{{"h", {s.batch, s.length, s.channels}}};
  ligase::visit_parameters(run->mixer, [&](const std::string& name, auto& p) {
    inputs.push_back(parameter(name, p.value.shape(), -0.15, 0.15));
  });
  std::string name = bidirectional ? "mixer, both directions" : "mixer";
  name += " K=" + std::to_string(config.d_conv) + (config.bias ? " with biases" : "");
  const double tokens = static_cast<double>(s.batch * s.length), d = static_cast<double>(s.channels), e = 2 * d;
  const double n = static_cast<double>(s.states), r = static_cast<double>(config.rank(s.channels)), runs = bidirectional ? 2 : 1;
  const double flops = tokens * (6 * d * e + runs * (2 * e * (r + 2 * n) + 2 * r * e)), steps = tokens * runs * e * n;
  return {"mixer",
          name,
          s,
          inputs,
          {{"y", Role::batch}},
          [=](Context<D>& c, const Inputs<T, D>& in, Tensors<T, D>& out) {
            ligase::visit_parameters(run->mixer, [&](const std::string& key, auto& p) { p.value = in.wide(key); });
            out["y"] = ligase::wire::forward(run->mixer, c, in["h"], run->saved);
          },
          // The backward pass uses up what the forward pass kept, so it comes with one of its own.
          [=](Context<D>& c, const Inputs<T, D>& in, const Tensors<T, D>& dout, Tensors<T, D>& din) {
            run->saved = {};
            ligase::wire::forward(run->mixer, c, in["h"], run->saved);
            ligase::allocate_gradients(run->mixer);
            din["h"] = ligase::wire::backward(run->mixer, c, dout.at("y"), run->saved);
            ligase::visit_parameters(run->mixer, [&](const std::string& key, auto& p) { din.wide()[key] = p.gradient.clone(); });
          },
          Role::batch,
          {.flops = flops, .exps = steps, .scan_steps = steps},
          {.flops = 3 * flops, .exps = 2 * steps, .scan_steps = 2 * steps}};
}

template <class T, class D>
void add_mixer_cases(std::vector<OpCase<T, D>>& list, const Sizes& s) {
  list.push_back(mixer_case<T, D>(s, {}, true));
  list.push_back(mixer_case<T, D>(s, {.d_conv = 7, .bias = true}, false));
}

}  // namespace ligase_test
