#include <doctest/doctest.h>
#include <ligase/instantiate.hpp>
#include <ligase/model.hpp>
#include <ligase/seq/tokenizer/char.hpp>

#include <cstring>

using namespace ligase;

namespace {

using Ids = Tensor<std::int32_t>;

/// Random letters, and some special tokens, [B, L].
Ids random_ids(Index batch, Index length, std::uint64_t seed) {
  Ids ids({batch, length});
  const RandomStream stream{seed};
  for (Index i = 0; i < ids.count(); ++i)
    ids.data()[i] = static_cast<std::int32_t>(stream.below(static_cast<std::uint64_t>(i), 12));
  return ids;
}

template <class T>
bool same_bits(const Tensor<T>& a, const Tensor<T>& b) {
  return a.shape() == b.shape() && std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.count()) * sizeof(T)) == 0;
}

template <class Backbone, class P>
LanguageModel<Backbone, cpu, P> make(typename Backbone::Config config) {
  config.complement_map = CharTokenizer().complement_map(config.padded_vocab_size());
  LanguageModel<Backbone, cpu, P> model(config);
  initialize(model, 7);
  // Norm weights of 1 would hide a strand that is multiplied by the wrong ones.
  visit_parameters(model, [](const std::string& name, auto& p) {
    if (name.find("norm") != std::string::npos)
      for (Index i = 0; i < p.value.count(); ++i) p.value.data()[i] += static_cast<float>(i % 7) * 0.1F;
  });
  return model;
}

}  // namespace

TEST_CASE_TEMPLATE("RCPS: logits of the reverse complement are the complemented, reversed logits, bit for bit", P, fp32,
                   fp64) {
  using T = typename P::Activation;
  for (const Index layers : {1, 2, 3})
    for (const bool fused : {true, false})
      for (const Index d_model : {118, 128}) {
        CaduceusConfig config;
        config.d_model = d_model;
        config.n_layer = layers;
        config.fused_add_norm = fused;
        config.rms_norm = layers != 3;
        config.bidirectional_weight_tie = layers != 2;
        const auto model = make<BiMamba<RCPS>, P>(config);
        const Tensor<std::int32_t>& complement = model.backbone.complement.value;
        for (const Index length : {1, 2, 37, 64, 65, 131}) {
          CAPTURE(layers);
          CAPTURE(fused);
          CAPTURE(d_model);
          CAPTURE(length);
          Context<> context;
          const Ids ids = random_ids(2, length, 3);
          const Tensor<T> forward = model.logits(context, ids);
          const Tensor<T> reverse = model.logits(context, ops::complement_ids(context, ids, complement));
          const Index v_count = forward.size(2);
          Index different = 0;
          for (Index b = 0; b < 2; ++b)
            for (Index t = 0; t < length; ++t)
              for (Index v = 0; v < v_count; ++v)
                different += forward.data()[(b * length + t) * v_count + v] !=
                             reverse.data()[(b * length + length - 1 - t) * v_count + complement.data()[v]];
          CHECK(different == 0);
        }
      }
}

TEST_CASE("a sequence gives the same bits alone, at every place of a batch, and with 1, 2 and 3 threads") {
  CaduceusConfig config;
  config.d_model = 118;
  config.n_layer = 2;
  const auto ps = make<BiMamba<RCPS>, fp32>(config);
  const auto ph = make<BiMamba<None>, fp32>(config);
  const auto check = [](const auto& model) {
    for (const Index length : {1, 100}) {
      const Ids ids = random_ids(5, length, 11);
      Context<> one;
      one.threads = 1;
      const Tensor<float> all = model.logits(one, ids);
      for (const int threads : {2, 3}) {
        Context<> several;
        several.threads = threads;
        CHECK(same_bits(model.logits(several, ids), all));
      }
      for (Index b = 0; b < 5; ++b) CHECK(same_bits(model.logits(one, ids.slice(b, b + 1).clone()), all.slice(b, b + 1)));
    }
  };
  check(ps);
  check(ph);
}

TEST_CASE("gradients are the same bits with 1, 2 and 3 threads, and with layers or groups of layers recomputed") {
  CaduceusConfig config;
  config.d_model = 24;
  config.n_layer = 5;
  auto model = make<BiMamba<RCPS>, fp32>(config);
  allocate_gradients(model);
  const Ids ids = random_ids(3, 70, 5);
  std::vector<Tensor<float>> first;
  struct Way {
    int threads;
    bool layers;
    Index group;
  };
  for (const Way& way : std::vector<Way>{
           {1, false, 0}, {2, false, 0}, {3, false, 0}, {2, true, 0}, {2, false, 1}, {2, false, 2}, {3, false, 4}, {2, false, 9}}) {
    for (auto& layer : model.backbone.stack.layers) layer.recompute = way.layers;
    model.backbone.stack.recompute = way.group;
    zero_gradients(model);
    Context<> context;
    context.threads = way.threads;
    context.training = true;
    model.loss_and_gradients(context, ids, ids, 4);
    std::size_t i = 0;
    visit_parameters(model, [&](const std::string& name, auto& p) {
      if (way.threads == 1)
        first.push_back(p.gradient.clone());
      else
        CHECK_MESSAGE(same_bits(p.gradient, first[i++]), name);
    });
  }
}

TEST_CASE("Mamba is causal: a later token changes no earlier logit") {
  MambaConfig config;
  config.d_model = 24;
  config.n_layer = 2;
  LanguageModel<Mamba, cpu, fp32> model(config);
  initialize(model, 3);
  Context<> context;
  Ids ids = random_ids(1, 90, 1);
  const Tensor<float> before = model.logits(context, ids);
  ids.data()[50] = ids.data()[50] == 7 ? 8 : 7;
  const Tensor<float> after = model.logits(context, ids);
  const auto bytes = static_cast<std::size_t>(50 * before.size(2)) * sizeof(float);
  CHECK(std::memcmp(before.data(), after.data(), bytes) == 0);
  CHECK(std::memcmp(before.data() + before.count() - 16, after.data() + after.count() - 16, 16 * sizeof(float)) != 0);
}

TEST_CASE("parameter counts of the published models") {
  CaduceusConfig config;
  config.complement_map = CharTokenizer().complement_map(16);
  for (const auto& [d, layers, count] : {std::tuple<Index, Index, Index>{118, 4, 470'702}, {256, 4, 1'934'592}, {256, 16, 7'725'312}}) {
    config.d_model = d;
    config.n_layer = layers;
    LanguageModel<BiMamba<RCPS>, meta, fp32> ps(config);
    LanguageModel<BiMamba<None>, meta, fp32> ph(config);
    CHECK(parameter_count(ps) == count);
    CHECK(parameter_count(ph) == count);
  }
}

TEST_CASE("what a model wrote gives the same bits when read") {
  using Caduceus = Model<BiMamba<RCPS>, CharTokenizer>;
  const Caduceus model({.d_model = 20, .n_layer = 2}, 5);
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "ligase_model_test";
  model.save(folder);
  const Caduceus again = Caduceus::load(folder.string());
  CHECK(same_bits(model.logits("ACGTNACGGT"), again.logits("ACGTNACGGT")));
  CHECK(model.embed("ACG").shape() == Shape{1, 3, 40});
  std::filesystem::remove_all(folder);
}
