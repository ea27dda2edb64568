#pragma once

#include <ligase/core/cuda/graph.cuh>
#include <ligase/data/batch.hpp>
#include <ligase/ops/cross_entropy.hpp>
#include <ligase/ops/generic/host_view.hpp>
#include <ligase/train/cuda/step_figures.cuh>
#include <ligase/train/loop.hpp>

#include <memory>
#include <span>
#include <string>
#include <utility>

namespace ligase::inline LIGASE_ISA {

/// Forward and backward pass of a language model over batches of one shape, from the second one on as one recorded graph:
/// short sequences of small models are limited by the host's launches otherwise. Ids and labels are checked on the host, then
/// copied through pinned memory, in the order of the stream: into the one place that the graph reads, when the pass before has
/// read it. Nothing waits for the device but the first batch of a shape, and packed batches, whose offsets shape the work: they
/// run kernel by kernel.
template <class Network>
class CapturedStep {
 public:
  using Ids = Tensor<TokenId, device::cuda>;

  /// `pass_bytes`: what a pass over a batch holds at most, where that is known; so much is reserved for the graph.
  CapturedStep(Network& network, Index vocabulary, TokenId ignore, Index pass_bytes = 0)
      : network_(network), vocabulary_(vocabulary), ignore_(ignore), pass_bytes_(pass_bytes) {}

  /// Adds gradients of the batch's mean loss to the parameters'. The result lasts until the next batch; `read` waits for it.
  PendingBatch<device::cuda> operator()(Context<device::cuda>& context, const Batch& batch) {
    check(batch.ids, {vocabulary_, vocabulary_ - 1}, "ids");
    check(batch.labels, {vocabulary_, ignore_}, "labels");
    context.offsets = batch.offsets;
    const auto pass = [&] { return network_.sums_and_gradients(context, ids_, labels_, ignore_); };
    if (ids_.empty() || !(ids_.shape() == batch.ids.shape())) {
      ids_ = Ids(batch.ids.shape());
      labels_ = Ids(batch.labels.shape());
      sums_ = {};
      graph_.reset();
    }
    ids_.assign(batch.ids.span());
    labels_.assign(batch.labels.span());
    const Index tokens = batch.ids.count();
    if (batch.offsets) return {pass(), tokens};
    if (graph_ == nullptr) {
      graph_ = std::make_unique<device::Graph>();
      graph_->reserve(pass_bytes_);
      return {graph_->rehearse(pass), tokens};
    }
    if (!graph_->recorded()) sums_ = graph_->record(pass);
    graph_->launch();
    return {sums_, tokens};
  }

  /// While the result lives, which must be over before the next batch, this thread's tensors take the memory of the recorded pass.
  std::unique_ptr<device::TakeFrom> lend_memory() {
    return graph_ ? std::make_unique<device::TakeFrom>(graph_->memory()) : nullptr;
  }

 private:
  static void check(const Tensor<TokenId>& ids, generic::ValidId valid, const char* where) {
    Context<> host;
    generic::check_ids(host, where, ids, valid.limit, valid.also_valid);
  }

  Network& network_;
  Index vocabulary_;
  TokenId ignore_;
  Index pass_bytes_;
  Ids ids_, labels_;
  std::unique_ptr<device::Graph> graph_;
  ops::LossSums<device::cuda> sums_;  ///< in the graph's memory, hence declared after it
};

/// Waits for the pass.
inline BatchResult read(Context<device::cuda>& context, const PendingBatch<device::cuda>& pass) {
  return {ops::read(context, pass.sums).loss, pass.tokens};
}

}  // namespace ligase::inline LIGASE_ISA
