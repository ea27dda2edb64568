#pragma once

#include "backbone.hpp"
#include "layout.hpp"

#include <ligase/heads/classification.hpp>
#include <ligase/ops/losses.hpp>

#include <array>
#include <optional>

namespace ligase_verify {

inline constexpr std::array poolings{std::pair{"mean", Pooling::mean}, std::pair{"max", Pooling::max},
                                     std::pair{"first", Pooling::first}, std::pair{"last", Pooling::last}};

/// What the files say about the head: classes by the score's shape, pooling by the configuration.
struct HeadOfCase {
  ClassifierConfig config;
  bool has_bias = false;
  std::string problem_type;  ///< of Hugging Face; empty: by classes and labels
};
HeadOfCase read_head(const CaseFolder& folder, const Json& json, const StateDict& weights, Kind kind);

/// A sequence classifier: the Hugging Face class, or the training repository's fine-tuning path.
template <class Backbone, class D, class P>
class ClassifierCase {
 public:
  using T = typename P::Activation;
  using X = Tensor<T, D>;
  using Host = Tensor<wide_t<T>, cpu>;
  using Ids = Tensor<std::int32_t, cpu>;
  using Model = SequenceClassifier<Backbone, D, P>;
  static constexpr Index own_strands = Backbone::SymmetryType::strands;

  ClassifierCase(const CaseFolder& folder, Kind kind, Tally& tally)
      : kind_(kind), cases_(folder.path / "cases.safetensors", tally) {
    const Json json = read_config_json(folder);
    const StateDict weights = open_state_dict(find_weights(folder.path));
    const auto config = read_config<Backbone>(folder, json, weights);
    head_ = read_head(folder, json, weights, kind);
    model_ = Model(config, head_.config);
    if (!head_.has_bias) model_.score.bias = {};
    load_containers(model_, folder, weights, tally);
    context_.threads = host_.threads = folder.threads;
  }

  void run() {
    if (kind_ == Kind::caduceus_finetuning)
      run_finetuning();
    else
      run_hugging_face();
    cases_.finish();
  }

 private:
  /// input_ids [B, L], or [B, L, 2] with the reverse complements as the second strand.
  void run_hugging_face() {
    Ids ids;
    if (own_strands == 1 && cases_.view("input_ids").shape.rank() == 3) {
      const Ids both = cases_.integers("input_ids", 3);
      check_shape("input_ids of both strands", {both.size(0), both.size(1), 2}, both.shape());
      ids = stack_last(both);
      model_.conjoined = true;
    } else {
      ids = cases_.integers("input_ids", 2);
    }
    const Host hidden = forward_hidden(ids);
    const Index strands = model_.conjoined ? 2 : own_strands;
    // Of conjoined strands the file keeps the run of the first one.
    if (model_.conjoined)
      cases_.compare("hidden", hidden.slice(0, hidden.size(0) / 2), Quantity::output);
    else
      cases_.compare("hidden", original_layout<Backbone>(host_, hidden), Quantity::output);
    const Host pooled = ops::pool(host_, hidden, model_.config.pooling);
    cases_.compare("pooled", strands == 2 ? unstack_to_last(pooled) : pooled, Quantity::output);
    cases_.compare("logits", logits(ids), Quantity::output);
    compare_loss("loss", ids);
    for (const auto& [name, pooling] : poolings) {
      const std::string stored = std::string("pool.") + name + ".logits";
      if (!cases_.expects(stored)) continue;
      model_.config.pooling = pooling;
      cases_.compare(stored, logits(ids), Quantity::output);
    }
  }

  /// Training on one strand (both of RCPS); evaluation of Ph averages over input_ids and input_ids_rc.
  void run_finetuning() {
    const Ids ids = cases_.integers("input_ids", 2);
    cases_.compare("train.logits", logits(ids), Quantity::output);
    compare_loss("train.loss", ids);
    Ids evaluated = ids;
    if (cases_.holds("input_ids_rc")) {
      const Ids twin = cases_.integers("input_ids_rc", 2);
      check_shape("input_ids_rc", ids.shape(), twin.shape());
      if (own_strands == 1) {
        evaluated = Ids({2 * ids.size(0), ids.size(1)});
        std::copy(ids.data(), ids.data() + ids.count(), evaluated.data());
        std::copy(twin.data(), twin.data() + twin.count(), evaluated.data() + ids.count());
        model_.conjoined = true;
      }
    }
    const X found = logits(evaluated);
    cases_.compare("eval.logits", found, Quantity::output);
    if (cases_.expects("eval.loss")) cases_.compare("eval.loss", loss(found).first, Quantity::loss);
  }

  X logits(const Ids& ids) { return model_.logits(context_, to_device<D>(ids)); }
  Host forward_hidden(const Ids& ids) {
    HiddenStates<wide_t<T>> seen;
    context_.observer = &seen;
    logits(ids);
    context_.observer = nullptr;
    return seen.at("hidden.final_norm");
  }

  /// Loss and gradients of the classifier as it stands.
  void compare_loss(const std::string& name, const Ids& ids) {
    const bool wants_gradients = cases_.expects_below("grad.");
    if (!cases_.expects(name) && !wants_gradients) {
      if (cases_.holds("labels")) read_labels();
      return;
    }
    if (wants_gradients) allocate_gradients(model_);
    wire::saved_t<Model, Tensor<std::int32_t, D>> saved;
    const auto [value, slope] = loss(wire::forward(model_, context_, to_device<D>(ids), saved));
    cases_.compare(name, value, Quantity::loss);
    if (!wants_gradients) return;
    wire::backward(model_, context_, slope, saved);
    compare_gradients(model_, cases_);
  }

  struct Labels {
    Ids whole;
    Host real;
  };
  Labels read_labels() {
    const DType dtype = cases_.view("labels").dtype;
    if (dtype == DType::F32 || dtype == DType::F64) return {{}, cases_.template input<wide_t<T>>("labels")};
    return {cases_.template input<std::int32_t>("labels"), {}};
  }

  /// Loss and its derivative. Of one class the squared error, of real labels the binary cross-entropy of each class, else
  /// cross-entropy.
  std::pair<double, X> loss(const X& logits) {
    const Labels labels = read_labels();
    const bool finetuning = kind_ == Kind::caduceus_finetuning;
    const std::string& type = head_.problem_type;
    if (!finetuning && (type == "regression" || (type.empty() && head_.config.classes == 1))) {
      Host real = labels.real;
      if (real.empty()) {
        real = Host(labels.whole.shape());
        std::copy(labels.whole.data(), labels.whole.data() + labels.whole.count(), real.data());
      }
      const auto target = to_device<D>(real.reshaped(logits.shape()));
      return {ops::mean_squared_error(context_, logits, target),
              ops::mean_squared_error_backward(context_, logits, target)};
    }
    if (!finetuning && (type == "multi_label_classification" || (type.empty() && !labels.real.empty())))
      return binary(logits, to_device<D>(labels.real));
    if (labels.whole.empty())
      throw Error{
          {.kind = ErrorKind::input, .what = "labels of a class are not whole numbers", .where = "cases.safetensors"}};
    const auto targets = to_device<D>(labels.whole.reshaped({labels.whole.count()}));
    const auto result = ops::cross_entropy(context_, logits, targets, Model::no_ignored_label);
    return {result.loss, ops::cross_entropy_backward(context_, result, logits, targets, Model::no_ignored_label)};
  }

  std::pair<double, X> binary(const X& logits, const Tensor<wide_t<T>, D>& targets) {
    return {ops::binary_cross_entropy(context_, logits, targets),
            ops::binary_cross_entropy_backward(context_, logits, targets)};
  }

  Kind kind_;
  TensorFile cases_;
  HeadOfCase head_;
  Model model_;
  Context<D> context_;
  Context<cpu> host_;
};

}  // namespace ligase_verify
