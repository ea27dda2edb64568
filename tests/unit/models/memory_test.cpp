#include <doctest/doctest.h>

#include <ligase/core/device.hpp>
#include <ligase/core/precision.hpp>
#include <ligase/heads/language_model.hpp>
#include <ligase/models/caduceus.hpp>
#include <ligase/seq/tokenizer/char.hpp>
#include <ligase/train/optimizer.hpp>

#include <support/tensors.hpp>

using namespace ligase;

namespace {

CaduceusConfig small() {
  CaduceusConfig config;
  config.d_model = 40;
  config.n_layer = 4;
  config.complement_map = CharTokenizer().complement_map(16);
  return config;
}

/// Most bytes that tensors hold during one step; weights and gradients count, moments do not.
template <Device D>
Index peak_of_step(Index recompute) {
  MemoryCounter& counter = memory_counter<D>();
  const Index before = counter.live;
  counter.reset_peak();
  LanguageModel<BiMamba<RCPS>, D, fp32> network(small());
  if constexpr (D::holds_data) initialize(network, 1);
  network.backbone.stack.recompute = recompute;
  allocate_gradients(network);
  Tensor<std::int32_t, D> ids({3, 500});
  if constexpr (D::holds_data) std::fill(ids.data(), ids.data() + ids.count(), 8);
  Context<D> context;
  context.training = true;
  network.loss_and_gradients(context, ids, ids, CharTokenizer::pad);
  return counter.peak - before;
}

}  // namespace

TEST_CASE("a step on shapes alone says what memory the step takes, within 5 %") {
  for (const Index recompute : {0, 1, 2}) {
    const auto planned = static_cast<double>(peak_of_step<meta>(recompute));
    const auto measured = static_cast<double>(peak_of_step<cpu>(recompute));
    CAPTURE(recompute);
    CHECK(planned / measured == doctest::Approx(1).epsilon(0.05));
  }
}

#if !defined(__SANITIZE_ADDRESS__)
TEST_CASE("training steps after the first one take nothing from the system") {
  LanguageModel<BiMamba<RCPS>, cpu, fp32> network(small());
  initialize(network, 1);
  allocate_gradients(network);
  AdamW<float> optimizer;
  optimizer.reset(network);
  Tensor<std::int32_t> ids({3, 500});
  std::fill(ids.data(), ids.data() + ids.count(), 8);
  Context<> context;
  Index mapped = 0;
  for (int step = 0; step < 4; ++step) {
    network.loss_and_gradients(context, ids, ids, CharTokenizer::pad);
    optimizer.step(context, network, 1e-3, 1);
    if (step == 0) mapped = device::cpu_arena().mapped();
    CHECK(device::cpu_arena().mapped() == mapped);
  }
}
#endif
