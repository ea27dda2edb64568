#include <ligase/cuda.cuh>
#include <ligase/data/batch.hpp>
#include <ligase/train/cuda/captured_step.cuh>

#include <pretrain/measure.hpp>
#include <pretrain/room.cuh>
#include <simt/control.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

using namespace ligase;
using Gpu = device::cuda;
using pretrain::measure_step;
using pretrain::Plan;
using pretrain::Recompute;
using pretrain::room_of_pass;

namespace {

template <class P>
using Network = LanguageModel<BiMamba<RCPS>, Gpu, P>;

const Recompute choices[] = {{}, {.layers = true}, {.group = 2}, {.layers = true, .group = 2}};

CaduceusConfig sizes(Index channels, Index layers) {
  CaduceusConfig config;
  config.d_model = channels;
  config.n_layer = layers;
  config.complement_map = CharTokenizer().complement_map(16);
  return config;
}

/// Bytes that tensors hold at most while f() runs.
template <class F>
double most_bytes(F&& f) {
  MemoryCounter& counter = memory_counter<Gpu>();
  const Index before = counter.live;
  counter.reset_peak();
  f();
  return static_cast<double>(counter.peak - before);
}

/// Weights after three training steps, the way a program makes them.
template <class P>
std::vector<float> train(const CaduceusConfig& config, const Recompute& recompute, Index batch, Index length) {
  Network<P> network(config);
  initialize(network, 1);
  pretrain::set_recompute(network.backbone.stack, recompute);
  AdamW<float, Gpu> optimizer;
  Trainer trainer(network, optimizer, pretraining_schedule(0.01, 3), {.steps = 3});
  CapturedStep<Network<P>> step(network, config.padded_vocab_size(), CharTokenizer::pad);
  Tensor<TokenId> ids({batch, length});
  std::fill(ids.data(), ids.data() + ids.count(), 8);
  Context<Gpu> context;
  trainer.run(
      context, [&](Index) { return Batch{ids, ids}; },
      [&](Context<Gpu>& inner, auto&, const Batch& b) { return step(inner, b); });
  std::vector<float> weights;
  visit_parameters(network, [&](const std::string&, auto& p) {
    const auto host = to_host(p.value);
    weights.insert(weights.end(), host.data(), host.data() + host.count());
  });
  return weights;
}

template <class P>
void check_plans() {
  const CaduceusConfig config = sizes(16, 3);
  std::vector<float> by_layer;
  for (const Recompute& recompute : choices) {
    CAPTURE(recompute.text());
    const Plan plan = measure_step<BiMamba<RCPS>, Gpu, P>(config, recompute, 2, 130, false);
    std::vector<float> weights;
    const double taken = most_bytes([&] { weights = train<P>(config, recompute, 2, 130); });
    CHECK(plan.bytes / taken == doctest::Approx(1).epsilon(0.02));
    if (!recompute.layers) continue;
    if (by_layer.empty()) by_layer = weights;
    CHECK(weights == by_layer);
  }
}

}  // namespace

TEST_CASE("a planned training step says what steps hold, within 2 %") {
  check_plans<fp32>();
  check_plans<bf16>();
}

TEST_CASE("a planned pass of a model says what the pass holds") {
  const CaduceusConfig config = sizes(16, 3);
  const auto pass = [&] {
    Network<bf16> network(config);
    if (!device::is_planning()) initialize(network, 1);
    Tensor<TokenId, Gpu> ids({3, 70});
    ids.set_zero();
    Context<Gpu> context;
    network.logits(context, ids);
  };
  const double planned = most_bytes([&] { device::planned<Gpu>(pass); });
  CHECK(planned == most_bytes(pass));
}

TEST_CASE("planning neither runs kernels nor takes memory, and leaves the device as it was") {
  const auto x = Tensor<float, Gpu>::zeros({100});
  const Index mapped = device::cuda_arena().mapped(), live = memory_counter<Gpu>().live;
  const auto launches = simt::counts().launches;
  const Plan plan = measure_step<BiMamba<RCPS>, Gpu, bf16>(sizes(256, 16), {}, 4, 131072, false);
  CHECK(plan.bytes > 1e10);
  CHECK(plan.kept_bytes < 2e8);
  CHECK(simt::counts().launches == launches);
  CHECK(device::cuda_arena().mapped() == mapped);
  CHECK(memory_counter<Gpu>().live == live);
  CHECK(to_host(x).data()[99] == 0);
  const auto none = [] { measure_step<BiMamba<RCPS>, Gpu, bf16>(sizes(16, 1), {}, 0, 131072, true); };
  CHECK_THROWS_AS(none(), Error);
  CHECK(to_host(to_device<Gpu>(Tensor<float>::zeros({3}))).data()[2] == 0);
}

// The bar of 4.5 GiB for one sequence of 131,072 tokens that recomputes its layers; longer ones by groups of layers as well.
TEST_CASE("the memory of long sequences") {
  const auto bytes_per_token = [](const Recompute& recompute) {
    const Plan plan = measure_step<BiMamba<RCPS>, Gpu, bf16>(sizes(256, 16), recompute, 1, 131072, false);
    return plan.bytes / 131072;
  };
  CHECK(bytes_per_token({.layers = true}) < 4.5 * 8192);
  CHECK(bytes_per_token({.layers = true, .group = 4}) < 3.8 * 8192);
}

TEST_CASE("the room planned for a pass is what the pass takes, gaps between blocks and all") {
  for (const auto& [channels, layers, batch, length] :
       {std::array<Index, 4>{256, 16, 1, 131072}, std::array<Index, 4>{118, 4, 256, 1024}, std::array<Index, 4>{64, 3, 5, 3001}})
    for (const Recompute& recompute : choices) {
      CAPTURE(length);
      CAPTURE(recompute.text());
      const CaduceusConfig config = sizes(channels, layers);
      const Plan plan = measure_step<BiMamba<RCPS>, Gpu, bf16>(config, recompute, batch, length, false);
      const double bytes = plan.bytes - plan.kept_bytes;
      const Index room = room_of_pass<BiMamba<RCPS>, bf16>(config, recompute, batch, length, bytes);
      CHECK(static_cast<double>(room) > bytes);
      CHECK(static_cast<double>(room) < 1.05 * bytes);
    }
}

TEST_CASE("a recorded step works in the room that it is given") {
  const CaduceusConfig config = sizes(8, 2);
  constexpr Index room = 40 << 20;
  Network<bf16> network(config);
  initialize(network, 1);
  allocate_gradients(network);
  CapturedStep<Network<bf16>> step(network, config.padded_vocab_size(), CharTokenizer::pad, room);
  Tensor<TokenId> ids({2, 30});
  std::fill(ids.data(), ids.data() + ids.count(), 8);
  Context<Gpu> context;
  for (int i = 0; i < 3; ++i) {
    step(context, {ids, ids});
    REQUIRE(device::other_arenas().list.size() == 1);
    CHECK(device::other_arenas().list.front()->mapped() == room);
  }
}
