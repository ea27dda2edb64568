#include <ligase/cuda.cuh>
#include <ligase/data/batch.hpp>
#include <ligase/train/cuda/captured_step.cuh>

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

using namespace ligase;
using Gpu = device::cuda;

namespace {

using Network = LanguageModel<BiMamba<RCPS>, Gpu, fp32>;

Model<BiMamba<RCPS>, CharTokenizer, Gpu> make_model() {
  Model<BiMamba<RCPS>, CharTokenizer, Gpu> model({.d_model = 8, .n_layer = 2}, 1);
  allocate_gradients(model);
  return model;
}
std::vector<float> gradients(auto& model) {
  std::vector<float> all;
  visit_parameters(model, [&](const std::string&, auto& p) {
    const auto g = to_host(p.gradient);
    all.insert(all.end(), g.data(), g.data() + g.count());
  });
  return all;
}
Batch batch_of(Index seed) {
  const auto sequences = std::make_shared<const SequenceDataset>(std::vector<std::string>{"ACGTTGCAGGCATTACCGAT", "TTGACCATGACCAGTACCTA"});
  return BatchMaker(sequences, CharTokenizer{},
                    {.batch_size = 2, .length = 20, .mlm_probability = 0.5, .training = true, .seed = static_cast<std::uint64_t>(seed)})(0);
}

}  // namespace

TEST_CASE("a recorded step gives the bits of the kernels one by one, for every batch") {
  auto captured = make_model(), plain = make_model();
  CapturedStep step(captured.network(), captured.config().padded_vocab_size(), CharTokenizer::pad);
  Context<Gpu> context;
  for (Index i = 0; i < 4; ++i) {
    const Batch batch = batch_of(i);
    const BatchResult found = read(context, step(context, batch));
    const auto expected = plain.network().loss_and_gradients(context, to_device<Gpu>(batch.ids), to_device<Gpu>(batch.labels),
                                                             CharTokenizer::pad);
    CHECK(found.loss == expected.loss);
    CHECK(found.tokens == 40);
    CHECK(gradients(captured) == gradients(plain));
  }
}

TEST_CASE("between batches others may work in the memory of a recorded step") {
  auto captured = make_model(), plain = make_model();
  CapturedStep step(captured.network(), captured.config().padded_vocab_size(), CharTokenizer::pad);
  Context<Gpu> context;
  CHECK(step.lend_memory() == nullptr);
  for (Index i = 0; i < 4; ++i) {
    const Batch batch = batch_of(i);
    const auto pass = step(context, batch);
    {
      const auto memory = step.lend_memory();
      const Tensor<float, Gpu> inside({100});
      CHECK_FALSE(device::cuda_arena().owns(inside.data()));
      captured.network().loss(context, to_device<Gpu>(batch.labels), to_device<Gpu>(batch.ids), CharTokenizer::pad);
    }
    const auto expected = plain.network().loss_and_gradients(context, to_device<Gpu>(batch.ids), to_device<Gpu>(batch.labels),
                                                             CharTokenizer::pad);
    CHECK(read(context, pass).loss == expected.loss);
    CHECK(gradients(captured) == gradients(plain));
  }
}

TEST_CASE("a wrong id in a later batch is refused before the device sees it") {
  auto model = make_model();
  CapturedStep step(model.network(), model.config().padded_vocab_size(), CharTokenizer::pad);
  Context<Gpu> context;
  for (Index i = 0; i < 3; ++i) step(context, batch_of(i));
  const auto before = gradients(model);
  Batch batch = batch_of(3);
  batch.ids.data()[21] = 99;
  CHECK_THROWS_WITH_AS(step(context, batch), "ids: id out of range at [1, 1]; expected 0 to 15, found 99", Error);
  CHECK(gradients(model) == before);
}

TEST_CASE("batches of another shape are recorded anew") {
  auto captured = make_model(), plain = make_model();
  CapturedStep step(captured.network(), captured.config().padded_vocab_size(), CharTokenizer::pad);
  Context<Gpu> context;
  for (const Index rows : {2, 2, 2, 1, 1, 1, 2}) {
    Batch batch = batch_of(rows);
    batch.ids = batch.ids.slice(0, rows);
    batch.labels = batch.labels.slice(0, rows);
    const double loss = read(context, step(context, batch)).loss;
    CHECK(loss == plain.network()
                      .loss_and_gradients(context, to_device<Gpu>(batch.ids), to_device<Gpu>(batch.labels), CharTokenizer::pad)
                      .loss);
  }
  CHECK(gradients(captured) == gradients(plain));
}
