#pragma once

#include <ligase/data/labelled_rows.hpp>
#include <ligase/nn/param.hpp>
#include <ligase/ops/cross_entropy.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <numeric>
#include <span>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// Which strands a classifier without strands of its own reads: `train`: both, always; `test`: one in training, both in
/// evaluation (Caduceus-Ph). A backbone with two strands (RCPS) always averages over its own.
enum class Conjoin { none, test, train };

/// A classifier of which every weight is trained: ids in, logits out. Works for any module with `Ids`, `T`, `logits` and
/// `loss_and_gradients`, on its device; conjoining needs a member `conjoined` as well (SequenceClassifier).
template <class M>
class WholeLearner {
 public:
  using DeviceType = typename M::Ids::DeviceType;
  using T = typename M::T;

  WholeLearner(M& model, Conjoin conjoin) : model_(model), conjoin_(conjoin) {
    if constexpr (!can_conjoin)
      if (conjoin != Conjoin::none)
        throw Error{
            {.kind = ErrorKind::usage, .what = "this model cannot average over two strands", .where = "conjoin"}};
  }

  M& model() { return model_; }

  /// Adds gradients of the mean cross-entropy over the rows `picks`.
  ops::CrossEntropy learn(Context<DeviceType>& context, const LabelledRows& rows, std::span<const Index> picks,
                          std::span<const std::uint8_t> reversed) {
    const bool both = set_strands(conjoin_ == Conjoin::train);
    const LabelledBatch batch = labelled_batch(rows, picks, reversed, both);
    return model_.loss_and_gradients(context, to_device<DeviceType>(batch.ids), to_device<DeviceType>(batch.labels));
  }
  /// [rows, classes]
  Tensor<T, DeviceType> logits(Context<DeviceType>& context, const LabelledRows& rows, std::span<const Index> picks) {
    const bool both = set_strands(conjoin_ != Conjoin::none);
    return model_.logits(context, to_device<DeviceType>(labelled_batch(rows, picks, {}, both).ids));
  }

 private:
  static constexpr bool can_conjoin = requires(M & m) { m.conjoined; };

  bool set_strands(bool both) {
    if constexpr (can_conjoin) {
      both = both && M::own_strands == 1;
      model_.conjoined = both;
    }
    return both;
  }

  M& model_;
  Conjoin conjoin_;
};

/// The head of a SequenceClassifier over a frozen backbone (a linear probe): every row runs through the backbone once, and
/// its pooled states are kept. Only the head has gradients then. Memory: 2 D numbers per row, on the host.
template <class M>
class HeadLearner {
 public:
  using DeviceType = typename M::Ids::DeviceType;
  using T = typename M::T;

  HeadLearner(M& model, Conjoin conjoin) : model_(model), conjoin_(conjoin) {
    visit_parameters(model_, [](const std::string&, auto& p) { p.gradient = {}; });
    visit_parameters(model_.score, [](const std::string&, auto& p) {
      p.gradient = std::remove_cvref_t<decltype(p.value)>::zeros(p.value.shape());
    });
  }

  M& model() { return model_; }

  ops::CrossEntropy learn(Context<DeviceType>& context, const LabelledRows& rows, std::span<const Index> picks,
                          std::span<const std::uint8_t> reversed) {
    Tensor<TokenId> labels({static_cast<Index>(picks.size())});
    for (std::size_t i = 0; i < picks.size(); ++i) labels.data()[i] = static_cast<TokenId>(rows.label(picks[i]));
    return model_.head_loss_and_gradients(context, states(context, rows, picks, reversed, conjoin_ == Conjoin::train),
                                          to_device<DeviceType>(labels));
  }
  Tensor<T, DeviceType> logits(Context<DeviceType>& context, const LabelledRows& rows, std::span<const Index> picks) {
    return model_.head_logits(context, states(context, rows, picks, {}, conjoin_ != Conjoin::none));
  }

 private:
  static constexpr Index rows_at_once = 64;

  /// [rows, 2, D]: the forward strand, then the other one.
  const Tensor<T>& table(Context<DeviceType>& context, const LabelledRows& rows) {
    Tensor<T>& table = tables_[&rows];
    if (!table.empty()) return table;
    Context<DeviceType> evaluation = context;
    evaluation.training = false;
    std::vector<Index> picks(static_cast<std::size_t>(rows.size()));
    std::iota(picks.begin(), picks.end(), Index{0});
    for (Index begin = 0; begin < rows.size(); begin += rows_at_once) {
      const Index n = std::min(rows_at_once, rows.size() - begin);
      const std::span<const Index> some(picks.data() + begin, static_cast<std::size_t>(n));
      // Of RCPS the second half of the rows is the other strand; else the ids are those of both strands.
      const LabelledBatch batch = labelled_batch(rows, some, {}, M::own_strands == 1);
      const Tensor<T> states = to_host(model_.pooled(evaluation, to_device<DeviceType>(batch.ids)));
      const Index width = states.size(2);
      if (table.empty()) table = Tensor<T>({rows.size(), 2, width});
      for (Index i = 0; i < n; ++i)
        for (Index strand = 0; strand < 2; ++strand)
          std::copy_n(states.data() + (strand * n + i) * width, width,
                      table.data() + ((begin + i) * 2 + strand) * width);
    }
    return table;
  }

  Tensor<T, DeviceType> states(Context<DeviceType>& context, const LabelledRows& rows, std::span<const Index> picks,
                               std::span<const std::uint8_t> reversed, bool both) {
    const Tensor<T>& from = table(context, rows);
    model_.conjoined = both && M::own_strands == 1;
    const Index n = static_cast<Index>(picks.size()), width = from.size(2),
                strands = both || M::own_strands == 2 ? 2 : 1;
    Tensor<T> x({strands * n, 1, width});
    for (Index i = 0; i < n; ++i)
      for (Index strand = 0; strand < strands; ++strand) {
        const auto at = static_cast<std::size_t>(i);
        const Index taken = !reversed.empty() && reversed[at] != 0 ? 1 - strand : strand;
        std::copy_n(from.data() + (picks[at] * 2 + taken) * width, width, x.data() + (strand * n + i) * width);
      }
    return to_device<DeviceType>(x);
  }

  M& model_;
  Conjoin conjoin_;
  std::map<const LabelledRows*, Tensor<T>> tables_;
};

}  // namespace ligase::inline LIGASE_ISA
