#pragma once

#include <pretrain/options.hpp>

#include <ligase/core/cuda/address_arena.cuh>
#include <ligase/core/cuda/planning.hpp>
#include <ligase/heads/language_model.hpp>

namespace pretrain {

/// Bytes in one piece that a recorded pass over [batch, tokens] finds room in, for tensors that hold `bytes` at once: blocks that
/// come and go leave gaps. Found by placing them.
template <class Backbone, class P>
Index room_of_pass(const typename Backbone::Config& config, const Recompute& recompute, Index batch, Index tokens,
                   double bytes) {
  using namespace ligase;
  return device::planned<device::cuda>([&] {
    LanguageModel<Backbone, device::cuda, P> network(config);
    set_recompute(network.backbone.stack, recompute);
    allocate_gradients(network);
    const Tensor<TokenId, device::cuda> ids({batch, tokens}), labels(ids.shape());
    for (double room = bytes;; room += bytes / 256) {
      device::AddressArena arena;
      arena.reserve(static_cast<Index>(room));
      const Index mapped = arena.mapped();
      Context<device::cuda> context;
      for (int pass = 0; pass < 2; ++pass) network.loss_and_gradients(context, ids, labels, 0);
      if (arena.mapped() == mapped) return static_cast<Index>(room) + (Index{1} << 21);
    }
  });
}

}  // namespace pretrain
