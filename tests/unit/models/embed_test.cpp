#include <doctest/doctest.h>

#include <ligase/instantiate.hpp>
#include <ligase/io/checkpoint_file.hpp>
#include <ligase/model.hpp>
#include <ligase/seq/tokenizer/char.hpp>
#include <ligase/tasks/embed.hpp>

#include <support/shared.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

using namespace ligase;

namespace {

constexpr auto both = EmbeddedStrands::model;
constexpr auto average = EmbeddedStrands::average;

template <class M>
std::vector<double> pooled(const M& model, const std::vector<TokenId>& ids, Pooling pooling, EmbeddedStrands strands,
                           Index pieces = 1) {
  using T = typename M::T;
  PooledVector<T> pool(pooling, strands);
  embed_texts<typename M::Backbone>(
      model.network, Context<cpu>{}, {ids}, strands, [](TokenId id) { return CharTokenizer{}.complement(id); },
      [&](std::size_t, const TokenVectors<T>& v) {
        for (Index p = 0; p < pieces; ++p) pool.add(v, v.tokens * p / pieces, v.tokens * (p + 1) / pieces);
      });
  return pool.finish();
}

template <class B, class P>
struct Loaded {
  using Backbone = B;
  using T = typename P::Activation;
  LanguageModel<B, cpu, P> network;

  explicit Loaded(const std::filesystem::path& folder) {
    const std::string file = (folder / "config.json").string();
    network = LanguageModel<B, cpu, P>(B::read_config(parse_json_file<Json>(file), file));
    load_weights(network, open_state_dict(folder / "model.safetensors"), {.fresh_head = true});
  }
};

double worst(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double d = 0;
  for (std::size_t i = 0; i < a.size(); ++i) d = std::max(d, std::abs(a[i] - b[i]));
  return d;
}

/// Row b of ids [B, L], or of [B, L, S] its strand s.
std::vector<TokenId> row(const Tensor<TokenId>& ids, Index b) {
  const Index length = ids.size(1), strands = ids.shape().rank() == 3 ? ids.size(2) : 1;
  std::vector<TokenId> out;
  for (Index t = 0; t < length; ++t) out.push_back(ids.data()[(b * length + t) * strands]);
  return out;
}

/// Golden hidden states [B, L, C], pooled by hand.
std::vector<double> golden(const Tensor<double>& hidden, Index b, Pooling pooling) {
  const Index length = hidden.size(1), width = hidden.size(2);
  std::vector<double> out;
  for (Index c = 0; c < width; ++c) {
    const auto at = [&](Index t) { return hidden.data()[(b * length + t) * width + c]; };
    double sum = 0, most = at(0);
    for (Index t = 0; t < length; ++t) sum += at(t), most = std::max(most, at(t));
    out.push_back(pooling == Pooling::mean   ? sum / static_cast<double>(length)
                  : pooling == Pooling::max  ? most
                  : pooling == Pooling::first ? at(0)
                                              : at(length - 1));
  }
  return out;
}

}  // namespace

TEST_CASE("pooled vectors are the golden hidden states pooled") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no shared folder");
    return;
  }
  const auto check = [&]<class B, class P>(const char* name, const char* tensor, double bound) {
    const auto folder = *shared / "reference/golden" / name;
    const Loaded<B, P> model(folder);
    const Safetensors cases(folder / "cases.safetensors");
    const auto ids = cases.to_tensor<TokenId>("input_ids");
    const auto hidden = cases.to_tensor<double>(tensor);
    for (Index b = 0; b < ids.size(0); ++b)
      for (const Pooling pooling : {Pooling::mean, Pooling::max, Pooling::first, Pooling::last}) {
        const double difference = worst(pooled(model, row(ids, b), pooling, both, 1 + b * 3), golden(hidden, b, pooling));
        CHECK_MESSAGE(difference < bound, name, " ", difference);
      }
  };
  check.operator()<BiMamba<RCPS>, fp32>("caduceus_ps", "hidden.final_norm", 2e-5);
  check.operator()<BiMamba<None>, fp32>("caduceus_ph", "hidden.final_norm", 2e-5);
  check.operator()<BiMamba<RCPS>, fp64>("caduceus_ps", "hidden.final_norm", 5e-7);
  check.operator()<BiMamba<None>, fp64>("caduceus_ph", "hidden.final_norm", 5e-7);
  check.operator()<Mamba, fp32>("mamba_lm", "hidden.final_norm", 2e-5);
}

TEST_CASE("averaged strands are the golden poolings of the classification cases averaged") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no shared folder");
    return;
  }
  const auto check = [&]<class B>(const char* name) {
    const auto folder = *shared / "reference/golden" / name;
    const Loaded<B, fp32> model(folder);
    const Safetensors cases(folder / "cases.safetensors");
    const auto ids = cases.to_tensor<TokenId>("input_ids");
    const auto strands = cases.to_tensor<double>("pooled");  // [B, D, 2]
    REQUIRE(strands.size(2) == 2);
    for (Index b = 0; b < ids.size(0); ++b) {
      std::vector<double> mean;
      for (Index c = 0; c < strands.size(1); ++c) {
        const double* pair = strands.data() + (b * strands.size(1) + c) * 2;
        mean.push_back((pair[0] + pair[1]) / 2);
      }
      CHECK(worst(pooled(model, row(ids, b), Pooling::mean, average, 5), mean) < 2e-5);
    }
  };
  check.operator()<BiMamba<RCPS>>("caduceus_ps_cls");
  check.operator()<BiMamba<None>>("caduceus_ph_cls_conjoin");
}

namespace {

/// embed_texts over a whole model, all vectors written out.
template <class B>
std::vector<std::vector<float>> written(const Model<B, CharTokenizer>& model, const std::vector<std::string>& texts,
                                        EmbeddedStrands strands) {
  std::vector<std::vector<TokenId>> ids;
  for (const std::string& text : texts) ids.push_back(model.tokenizer().encode(text));
  std::vector<std::vector<float>> all(texts.size());
  const auto width = static_cast<std::size_t>(embedding_width<B>(model.config(), strands));
  embed_texts<B>(
      model.network(), Context<cpu>{}, ids, strands, [&](TokenId id) { return model.tokenizer().complement(id); },
      [&](std::size_t i, const TokenVectors<float>& v) {
        all[i].resize(static_cast<std::size_t>(v.tokens) * width);
        for (Index t = 0; t < v.tokens; ++t) v.write(t, strands, all[i].data() + static_cast<std::size_t>(t) * width);
      });
  return all;
}

/// What pooled() takes.
template <class B>
struct View {
  using Backbone = B;
  using T = float;
  const LanguageModel<B, cpu, fp32>& network;
};

template <class B>
void check_texts(Index strands_of_model) {
  const Model<B, CharTokenizer> model({.d_model = 20, .n_layer = 3}, 5);
  const std::vector<std::string> texts{"ACGTTGACCA", "", "G", "TTGACANNACGTAGGATTACAGATTACAACCGGTT", "CA"};
  const auto packed = written(model, texts, both);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].empty()) {
      CHECK(packed[i].empty());
      continue;
    }
    const auto alone = model.embed(texts[i]);
    REQUIRE(alone.size(2) == 20 * strands_of_model);
    REQUIRE(packed[i].size() == static_cast<std::size_t>(alone.count()));
    CHECK(std::memcmp(packed[i].data(), alone.data(), packed[i].size() * sizeof(float)) == 0);
  }

  // Averaged: the other strand's vectors are the same, in reverse order; poolings do not change, but for the
  // order of a sum.
  std::vector<std::string> others;
  for (const std::string& text : texts) others.push_back(reverse_complement(text));
  const auto averaged = written(model, texts, average), other = written(model, others, average);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    REQUIRE(averaged[i].size() == texts[i].size() * 20);
    for (std::size_t t = 0; t < texts[i].size(); ++t)
      CHECK(std::memcmp(averaged[i].data() + t * 20, other[i].data() + (texts[i].size() - 1 - t) * 20, 20 * sizeof(float)) == 0);
  }
  const View<B> view{model.network()};
  for (const Pooling pooling : {Pooling::mean, Pooling::max, Pooling::first, Pooling::last})
    CHECK(worst(pooled(view, model.tokenizer().encode(texts[3]), pooling, average),
                pooled(view, model.tokenizer().encode(others[3]), pooling, average)) <= (pooling == Pooling::mean ? 1e-12 : 0));
}

}  // namespace

TEST_CASE("texts packed together have the bits of each alone; averaged strands are reverse-complement invariant") {
  check_texts<BiMamba<RCPS>>(2);
  check_texts<BiMamba<None>>(1);
}

TEST_CASE("a pooled vector starts again after it was finished") {
  const std::vector<float> rows{1, 2, 3, 4, 5, -6};
  const TokenVectors<float> v{3, 2, rows.data(), nullptr};
  PooledVector<float> mean(Pooling::mean, both);
  CHECK(mean.finish().empty());
  mean.add(v, 0, 3);
  CHECK(mean.tokens() == 3);
  CHECK(mean.finish() == std::vector<double>{3, 0});
  mean.add(v, 1, 1);
  CHECK(mean.finish().empty());
  mean.add(v, 1, 2);
  CHECK(mean.finish() == std::vector<double>{3, 4});
  PooledVector<float> max(Pooling::max, both);
  max.add(v, 0, 3);
  CHECK(max.finish() == std::vector<double>{5, 4});
}
