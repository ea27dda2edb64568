#pragma once

#include <ligase/nn/linear.hpp>
#include <ligase/nn/pieces.hpp>
#include <ligase/ops/cross_entropy.hpp>
#include <ligase/ops/pooling.hpp>

#include <string>

namespace ligase::inline LIGASE_ISA {

/// [B, L, D] -> [B, 1, D]: one row per sequence.
struct Pool {
  Pooling pooling;

  template <class X>
  using Saved = ops::PoolingSaved<typename X::DeviceType>;

  auto infer(auto& context, auto x) const { return row_each(ops::pool(context, x, pooling)); }
  template <class X>
  auto forward(auto& context, X x, Saved<X>& saved) const {
    return row_each(ops::pool(context, x, pooling, {}, &saved));
  }
  auto backward(auto& context, auto dy, auto& saved) const {
    return ops::pool_backward(context, dy.reshaped({dy.size(0), dy.size(2)}), pooling, saved);
  }

 private:
  static auto row_each(const auto& y) { return y.reshaped({y.size(0), 1, y.size(1)}); }
};

/// Mean over the strands: [strands B, 1, C] -> [B, C].
struct AverageStrands {
  Index strands;
  using Saved = NothingSaved;

  auto infer(auto& context, auto x) const {
    const Index batch = x.size(0) / strands;
    const auto rows = x.reshaped({x.size(0), x.size(2)});
    if (strands == 1) return rows;
    return ops::scale(context, ops::add(context, rows.slice(0, batch), rows.slice(batch, 2 * batch)), 0.5);
  }
  auto forward(auto& context, auto x, Saved&) const { return infer(context, std::move(x)); }
  auto backward(auto& context, auto dy, Saved&) const {
    const Index batch = dy.size(0), classes = dy.size(1);
    if (strands == 1) return dy.reshaped({batch, 1, classes});
    const auto half = ops::scale(context, dy, 0.5).reshaped({1, batch * classes});
    return ops::concat(context, half, half).reshaped({2 * batch, 1, classes});
  }
};

/// Which program's classification checkpoint this is; it decides names and defaults.
enum class ClassifierLayout {
  hugging_face,  ///< CaduceusForSequenceClassification: caduceus.backbone.*, score.weight, no bias
  training       ///< the training repository's decoder: model.caduceus.backbone.*, decoder.0.output_transform.*, bias
};

struct ClassifierConfig {
  Index classes = 2;
  Pooling pooling = Pooling::mean;
  ClassifierLayout layout = ClassifierLayout::hugging_face;
};

/// Backbone, pooling over all positions (padding included, as the originals do), linear head, mean over strands.
/// ids: [B, L], or [2 B, L] with the reverse complements behind for a backbone without strands of its own ("conjoined")
/// logits: [B, classes]. The two strands of RCPS are pooled and scored alike, so the result is invariant to reverse complement.
template <class Backbone, Device D, class P>
class SequenceClassifier {
 public:
  using T = typename P::Activation;
  using Ids = Tensor<std::int32_t, D>;
  static constexpr Index own_strands = Backbone::SymmetryType::strands;

  SequenceClassifier() = default;
  SequenceClassifier(const typename Backbone::Config& c, ClassifierConfig head)
      : config(head), backbone(c), score(c.d_model, head.classes, head.layout == ClassifierLayout::training) {
    if (head.layout == ClassifierLayout::hugging_face)
      score.weight.init = Init::normal(c.initializer_cfg.initializer_range);
    else
      score.bias.init = score.weight.init;
    score.bias.decay = true;
  }

  static auto graph(auto& m) {
    return seq(m.backbone, Pool{m.config.pooling}, m.score, AverageStrands{m.conjoined ? 2 : own_strands});
  }
  /// What the head makes of pooled states.
  static auto head_graph(auto& m) { return seq(m.score, AverageStrands{m.conjoined ? 2 : own_strands}); }

  // Defined outside the class: what `extern template` (instantiate.hpp) keeps out of a translation unit must not be inline.
  Tensor<T, D> logits(Context<D>& context, const Ids& ids) const;
  /// Cross-entropy of integer labels [B]; gradients of factor * loss are added to the parameters'.
  ops::CrossEntropy loss_and_gradients(Context<D>& context, const Ids& ids, const Ids& labels, double factor = 1);
  /// Pooled states [rows, 1, D] of ids [B, L]: 2 B rows of RCPS, else B. What a frozen backbone gives once and for all.
  Tensor<T, D> pooled(Context<D>& context, const Ids& ids) const;
  Tensor<T, D> head_logits(Context<D>& context, const Tensor<T, D>& pooled_states) const;
  /// As loss_and_gradients, of the head alone.
  ops::CrossEntropy head_loss_and_gradients(Context<D>& context, const Tensor<T, D>& pooled_states, const Ids& labels);

  void visit(auto&& v) {
    if (config.layout == ClassifierLayout::hugging_face) {
      v(Backbone::prefix, backbone);
      v("score", score);
    } else {
      v(std::string("model.") + Backbone::prefix, backbone);
      v("decoder.0.output_transform", score);
    }
  }

  static constexpr Index no_ignored_label = -100;

  ClassifierConfig config;
  bool conjoined = false;
  typename Backbone::template Module<D, P> backbone;
  Linear<D, P> score;
};

template <class Backbone, Device D, class P>
Tensor<typename P::Activation, D> SequenceClassifier<Backbone, D, P>::logits(Context<D>& context, const Ids& ids) const {
  return wire::infer(*this, context, ids);
}

template <class Backbone, Device D, class P>
ops::CrossEntropy SequenceClassifier<Backbone, D, P>::loss_and_gradients(Context<D>& context, const Ids& ids,
                                                                         const Ids& labels, double factor) {
  wire::saved_t<SequenceClassifier, Ids> saved;
  const Tensor<T, D> y = wire::forward(*this, context, ids, saved);
  const ops::CrossEntropy result = ops::cross_entropy(context, y, labels, no_ignored_label);
  wire::backward(*this, context, ops::cross_entropy_backward(context, result, y, labels, no_ignored_label, factor), saved);
  return result;
}

template <class Backbone, Device D, class P>
Tensor<typename P::Activation, D> SequenceClassifier<Backbone, D, P>::pooled(Context<D>& context, const Ids& ids) const {
  const auto front = seq(backbone, Pool{config.pooling});
  return wire::infer(front, context, ids);
}

template <class Backbone, Device D, class P>
Tensor<typename P::Activation, D> SequenceClassifier<Backbone, D, P>::head_logits(Context<D>& context,
                                                                                  const Tensor<T, D>& pooled_states) const {
  const auto head = head_graph(*this);
  return wire::infer(head, context, pooled_states);
}

template <class Backbone, Device D, class P>
ops::CrossEntropy SequenceClassifier<Backbone, D, P>::head_loss_and_gradients(
    Context<D>& context, const Tensor<T, D>& pooled_states, const Ids& labels) {
  auto head = head_graph(*this);
  wire::saved_t<decltype(head), Tensor<T, D>> saved;
  const Tensor<T, D> y = wire::forward(head, context, pooled_states, saved);
  const ops::CrossEntropy result = ops::cross_entropy(context, y, labels, no_ignored_label);
  wire::backward(head, context, ops::cross_entropy_backward(context, result, y, labels, no_ignored_label), saved);
  return result;
}

}  // namespace ligase::inline LIGASE_ISA
