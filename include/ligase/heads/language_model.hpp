#pragma once

#include <ligase/nn/linear.hpp>
#include <ligase/nn/pieces.hpp>
#include <ligase/ops/cross_entropy.hpp>
#include <ligase/ops/strands.hpp>

namespace ligase::inline LIGASE_ISA {

/// Backbone and language-model head tied to its embedding: ids [B, L] -> logits [B, L, V]. Of strand-symmetric backbones the
/// logits of both strands are added (RCPSLMHead of caduceus): logits(rc(ids))[t, complement(v)] = logits(ids)[L-1-t, v].
template <class Backbone, Device D, class P>
class LanguageModel {
 public:
  using T = typename P::Activation;
  using Ids = Tensor<std::int32_t, D>;
  using Config = typename Backbone::Config;

  LanguageModel() = default;
  explicit LanguageModel(const Config& config) : backbone(config) {}

  static auto graph(auto& m) { return seq(m.backbone, head(m), m.backbone.join_strands()); }

  // Defined outside the class: what `extern template` (instantiate.hpp) keeps out of a translation unit must not be inline.
  Tensor<T, D> logits(Context<D>& context, const Ids& ids) const;
  /// Hidden states after the final norm: [strands B, L, D].
  Tensor<T, D> hidden(Context<D>& context, const Ids& ids) const;
  /// The same of each sequence, [B, L, D]; of two strands [B, L, 2 D] in the original's layout: the second half is the other
  /// strand's state of the same base, its channels reversed.
  Tensor<T, D> embed(Context<D>& context, const Ids& ids) const;
  /// Mean cross-entropy over labels other than `ignore`.
  ops::CrossEntropy loss(Context<D>& context, const Ids& ids, const Ids& labels, Index ignore) const;
  /// The same; gradients of factor * loss are added to the parameters'.
  ops::CrossEntropy loss_and_gradients(Context<D>& context, const Ids& ids, const Ids& labels, Index ignore,
                                       double factor = 1);
  /// The same without waiting for the device; `ops::read` gives the loss.
  ops::LossSums<D> sums_and_gradients(Context<D>& context, const Ids& ids, const Ids& labels, Index ignore,
                                      double factor = 1);

  void visit(auto&& v) {
    v(Backbone::prefix, backbone);
    VisitGroup lm_head{[this](auto& g) { backbone.visit_head(g); }};
    v("", lm_head);
  }

  typename Backbone::template Module<D, P> backbone;

 private:
  static auto head(auto& m) {
    auto& weight = m.backbone.tied_weight();
    return Projection<D, P, std::remove_reference_t<decltype(weight)>>{weight};
  }
};

template <class Backbone, Device D, class P>
Tensor<typename P::Activation, D> LanguageModel<Backbone, D, P>::logits(Context<D>& context, const Ids& ids) const {
  return wire::infer(*this, context, ids);
}

template <class Backbone, Device D, class P>
Tensor<typename P::Activation, D> LanguageModel<Backbone, D, P>::hidden(Context<D>& context, const Ids& ids) const {
  return wire::infer(backbone, context, ids);
}

template <class Backbone, Device D, class P>
Tensor<typename P::Activation, D> LanguageModel<Backbone, D, P>::embed(Context<D>& context, const Ids& ids) const {
  const Tensor<T, D> h = hidden(context, ids);
  if constexpr (Backbone::SymmetryType::strands == 2)
    return ops::halves_to_channels(context, h);
  else
    return h;
}

template <class Backbone, Device D, class P>
ops::CrossEntropy LanguageModel<Backbone, D, P>::loss(Context<D>& context, const Ids& ids, const Ids& labels,
                                                      Index ignore) const {
  return ops::cross_entropy(context, logits(context, ids), labels, ignore);
}

template <class Backbone, Device D, class P>
ops::LossSums<D> LanguageModel<Backbone, D, P>::sums_and_gradients(Context<D>& context, const Ids& ids, const Ids& labels,
                                                                   Index ignore, double factor) {
  wire::saved_t<LanguageModel, Ids> saved;
  const Tensor<T, D> y = wire::forward(*this, context, ids, saved);
  const ops::LossSums<D> sums = ops::cross_entropy_sums(context, y, labels, ignore);
  wire::backward(*this, context, ops::cross_entropy_backward(context, sums, y, labels, ignore, factor), saved);
  return sums;
}

template <class Backbone, Device D, class P>
ops::CrossEntropy LanguageModel<Backbone, D, P>::loss_and_gradients(Context<D>& context, const Ids& ids,
                                                                    const Ids& labels, Index ignore, double factor) {
  return ops::read(context, sums_and_gradients(context, ids, labels, ignore, factor));
}

}  // namespace ligase::inline LIGASE_ISA
