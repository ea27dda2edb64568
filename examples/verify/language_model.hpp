#pragma once

#include "backbone.hpp"
#include "scan_calls.hpp"

#include <ligase/instantiate.hpp>

namespace ligase_verify {

/// A language-model case: hidden states, logits, loss, accuracy, gradients, scan calls, and the reverse-complement twin.
template <class Backbone, class D, class P>
class LanguageModelCase {
 public:
  using T = typename P::Activation;
  using X = Tensor<wide_t<T>, cpu>;
  using Ids = Tensor<std::int32_t, cpu>;
  static constexpr Index strands = Backbone::SymmetryType::strands;

  LanguageModelCase(const CaseFolder& folder, Tally& tally)
      : tally_(tally), cases_(folder.path / "cases.safetensors", tally) {
    const Json json = read_config_json(folder);
    const StateDict weights = open_state_dict(find_weights(folder.path));
    model_ = LanguageModel<Backbone, D, P>(read_config<Backbone>(folder, json, weights));
    load_containers(model_, folder, weights, tally_);
    ignored_ = field_or(json, "pad_token_id", default_ignored_label, (folder.path / "config.json").string());
    context_.threads = host_.threads = folder.threads;
  }

  void run() {
    const Ids ids = cases_.integers("input_ids", 2);
    const Forward there = forward(ids, "");
    if (cases_.expects_below("scan_call."))
      compare_scan_calls(cases_, context_, model_.backbone.stack.layers.at(0).mixer,
                         on_device<T, D>(there.hidden.at("hidden.layers.0.mixer_in")), strands);
    if (cases_.expects_below("rc.")) {
      const Ids twin = cases_.integers("rc.input_ids", 2);
      const Forward back = forward(twin, "rc.");
      if constexpr (strands == 2) compare_strands(ids, there, twin, back);
    }
    const bool has_losses =
        cases_.expects("loss") || cases_.expects("masked_accuracy") || cases_.expects_below("grad.");
    if (has_losses || cases_.holds("labels")) losses(ids, there.logits);
    cases_.finish();
  }

 private:
  struct Forward {
    X logits;
    HiddenStates<wide_t<T>> hidden;
  };

  Forward forward(const Ids& ids, const std::string& prefix) {
    Forward result;
    context_.observer = &result.hidden;
    result.logits = to_host_wide(model_.logits(context_, to_device<D>(ids)));
    context_.observer = nullptr;
    for (const auto& [name, x] : result.hidden.all())
      if (cases_.expects(prefix + name))
        cases_.compare(prefix + name, original_layout<Backbone>(host_, x), Quantity::output);
    cases_.compare(prefix + "logits", result.logits, Quantity::output);
    return result;
  }

  void losses(const Ids& ids, const X& logits) {
    const Ids labels = cases_.integers("labels", 2);
    check_shape("labels", ids.shape(), labels.shape());
    const auto share = ops::accuracy(host_, logits, labels, ignored_).share();
    cases_.compare("masked_accuracy", share, Quantity::share);
    const auto here = to_device<D>(ids), wanted = to_device<D>(labels);
    if (!cases_.expects_below("grad.")) {
      cases_.compare("loss", model_.loss(context_, here, wanted, ignored_).loss, Quantity::loss);
      return;
    }
    allocate_gradients(model_);
    cases_.compare("loss", model_.loss_and_gradients(context_, here, wanted, ignored_).loss, Quantity::loss);
    compare_gradients(model_, cases_);
  }

  /// Equivariance has to hold exactly: logits(ids)[t, v] = logits(rc(ids))[L-1-t, complement(v)], hidden states flipped in
  /// length and channels.
  void compare_strands(const Ids& ids, const Forward& there, const Ids& twin, const Forward& back) {
    const Ids map = to_host(model_.backbone.complement.value);
    const Ids complement = ops::complement_ids(host_, ids, map);
    const bool is_twin =
        complement.shape() == twin.shape() && std::equal(twin.data(), twin.data() + twin.count(), complement.data());
    tally_.agree("rc.input_ids", is_twin, "the reverse complement of input_ids", "other ids");
    if (!is_twin) return;
    const Index length = ids.size(1), vocabulary = map.count();
    X mirrored(there.logits.shape());
    for (Index row = 0; row < ids.count(); ++row)
      for (Index v = 0; v < vocabulary; ++v)
        mirrored.data()[row * vocabulary + v] =
            back.logits.data()[(row - row % length + length - 1 - row % length) * vocabulary + map.data()[v]];
    equal("logits against rc.logits", there.logits, mirrored);
    const auto final_norm = [&](const Forward& x) {
      return original_layout<Backbone>(host_, x.hidden.at("hidden.final_norm"));
    };
    equal("hidden.final_norm against rc.hidden.final_norm", final_norm(there),
          ops::reverse(host_, final_norm(back), true, true));
  }
  void equal(const char* name, const X& a, const X& b) {
    tally_.numbers(name, std::vector<double>(a.data(), a.data() + a.count()),
                   std::vector<double>(b.data(), b.data() + b.count()), Quantity::exact);
  }

  Tally& tally_;
  TensorFile cases_;
  LanguageModel<Backbone, D, P> model_;
  Index ignored_ = default_ignored_label;
  Context<D> context_;
  Context<cpu> host_;
};

}  // namespace ligase_verify
