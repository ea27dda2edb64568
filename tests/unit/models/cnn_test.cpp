#include <ligase/core/precision.hpp>
#include <ligase/io/json.hpp>
#include <ligase/models/cnn.hpp>

#include <doctest/doctest.h>

#include <cstring>
#include <string>

using namespace ligase;

namespace {

Tensor<std::int32_t> random_ids(Index batch, Index length) {
  const RandomStream random{7, 0, 0};
  Tensor<std::int32_t> ids({batch, length});
  for (Index i = 0; i < ids.count(); ++i)
    ids.data()[i] = static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(i), 12));
  return ids;
}

bool same_bits(const Tensor<float>& a, const Tensor<float>& b) {
  return a.shape() == b.shape() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.count()) * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE("CNN: logits in evaluation depend on the sequence alone, training bits not on threads") {
  constexpr Index batch = 70, length = 101;
  const auto ids = random_ids(batch, length);
  Tensor<std::int32_t> labels({batch});
  for (Index i = 0; i < batch; ++i) labels.data()[i] = static_cast<std::int32_t>(i % 3);
  Tensor<float> logits[3], gradients[3];
  for (const int threads : {1, 2, 3}) {
    CnnClassifier<cpu, fp32> model(CnnConfig{.number_of_classes = 3, .input_len = length});
    initialize(model, 5);
    allocate_gradients(model);
    Context<> context;
    context.threads = threads;
    context.training = true;
    model.loss_and_gradients(context, ids, labels);
    context.training = false;
    const auto all = logits[threads - 1] = model.logits(context, ids);
    gradients[threads - 1] = model.embeddings.gradient;
    CHECK(same_bits(logits[threads - 1], logits[0]));
    CHECK(same_bits(gradients[threads - 1], gradients[0]));
    for (const Index row : {Index{0}, Index{33}, batch - 1})
      CHECK(same_bits(model.logits(context, ids.slice(row, row + 1)), all.slice(row, row + 1)));
    CHECK(same_bits(model.logits(context, ids.slice(3, 68)), all.slice(3, 68)));
  }
}

TEST_CASE("CNN: sizes, decay, and what is refused") {
  CnnClassifier<meta, fp32> model(CnnConfig{.input_len = 300});
  Index decayed = 0;
  visit_parameters(model, [&](const std::string& name, auto& p) {
    decayed += p.decay;
    const bool expected = name.ends_with(".weight") && (name.starts_with("dense") || name == "cnn_model.0.weight" ||
                                                        name == "cnn_model.4.weight" || name == "cnn_model.7.weight");
    CHECK_MESSAGE(p.decay == expected, name);
  });
  CHECK(decayed == 5);
  // 31 tokens are left of 300, four channels each.
  CHECK(parameter_count(model) == 1200 + 12'800 + 16 + 32 + 1024 + 8 + 16 + 256 + 4 + 8 + 512 * 124 + 512 + 1024 + 2);
  Context<meta> context;
  CHECK(model.logits(context, Tensor<std::int32_t, meta>({5, 300})).shape() == Shape{5, 2});
  CHECK_THROWS_WITH_AS(model.logits(context, Tensor<std::int32_t, meta>({5, 299})),
                       "ids do not fit the CNN; expected [B, 300], found [5, 299]", Error);
  using Small = CnnClassifier<meta, fp32>;
  CHECK_NOTHROW(Small(CnnConfig{.input_len = CnnConfig::shortest_input}));
  CHECK_THROWS_AS(Small(CnnConfig{.input_len = CnnConfig::shortest_input - 1}), Error);
  CHECK_THROWS_WITH_AS(read_cnn_config(parse_json("{\"input_len\": 20}", "c.json"), "c.json"),
                       "c.json: field \"input_len\" is out of range; expected 57 to 16777216, found 20", Error);
  const CnnConfig config{.number_of_classes = 9,
                         .vocab_size = 16,
                         .input_len = 999,
                         .embedding_dim = 7,
                         .bn_eps = 0.5,
                         .bn_momentum = 0.25};
  const CnnConfig again = read_cnn_config(parse_json(dump_json(write_cnn_config(config), -1), "c"), "c");
  CHECK(again.number_of_classes == 9);
  CHECK(again.vocab_size == 16);
  CHECK(again.input_len == 999);
  CHECK(again.embedding_dim == 7);
  CHECK(again.bn_eps == 0.5);
  CHECK(again.bn_momentum == 0.25);
}
