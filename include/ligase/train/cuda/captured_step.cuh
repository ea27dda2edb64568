#pragma once

#include <ligase/core/cuda/graph.cuh>
#include <ligase/data/batch.hpp>
#include <ligase/ops/cross_entropy.hpp>
#include <ligase/ops/generic/host_view.hpp>
#include <ligase/train/loop.hpp>

#include <memory>
#include <span>
#include <string>
#include <utility>

namespace ligase::inline LIGASE_ISA {

/// Forward and backward pass of a language model over batches of one shape, from the third one on as one recorded graph:
/// short sequences of small models are limited by the host's launches otherwise. Ids and labels are checked on the host, then
/// copied through pinned memory. Packed batches, whose offsets shape the work, run kernel by kernel.
template <class Network>
class CapturedStep {
 public:
  using Ids = Tensor<TokenId, device::cuda>;

  CapturedStep(Network& network, Index vocabulary, TokenId ignore)
      : network_(network), vocabulary_(vocabulary), ignore_(ignore) {}

  /// Adds gradients of the batch's mean loss to the parameters'.
  BatchResult operator()(Context<device::cuda>& context, const Batch& batch) {
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
    if (batch.offsets) return result(context, pass(), batch);
    if (graph_ == nullptr) {
      graph_ = std::make_unique<device::Graph>();
      return result(context, graph_->rehearse(pass), batch);
    }
    if (!graph_->recorded()) sums_ = graph_->record(pass);
    graph_->launch();
    return result(context, sums_, batch);
  }

 private:
  static void check(const Tensor<TokenId>& ids, generic::ValidId valid, const char* where) {
    Context<> host;
    generic::check_ids(host, where, ids, valid.limit, valid.also_valid);
  }
  static BatchResult result(Context<device::cuda>& context, const ops::LossSums<device::cuda>& sums, const Batch& batch) {
    return {ops::read(context, sums).loss, batch.ids.count()};
  }

  Network& network_;
  Index vocabulary_;
  TokenId ignore_;
  Ids ids_, labels_;
  std::unique_ptr<device::Graph> graph_;
  ops::LossSums<device::cuda> sums_;  ///< in the graph's memory, hence declared after it
};

}  // namespace ligase::inline LIGASE_ISA
