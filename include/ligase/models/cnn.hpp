#pragma once

#include <ligase/io/json.hpp>
#include <ligase/nn/batch_norm.hpp>
#include <ligase/nn/conv1d_dense.hpp>
#include <ligase/nn/linear.hpp>
#include <ligase/ops/cross_entropy.hpp>

#include <string>
#include <type_traits>

namespace ligase::inline LIGASE_ISA {

/// Sizes of the CNN baseline. The padded length is part of the model: the last feature map is flattened.
struct CnnConfig {
  Index number_of_classes = 2;
  Index vocab_size = 12;
  Index input_len = 200;
  Index embedding_dim = 100;
  double bn_eps = 1e-5;
  double bn_momentum = 0.1;

  static constexpr Index taps = 8, window = 2, hidden = 512, channels[3] = {16, 8, 4};

  /// Tokens after the three convolutions and poolings; below 1 where the input is too short.
  Index last_length() const {
    Index length = input_len;
    for (int i = 0; i < 3; ++i) length = length < taps ? 0 : (length - taps + 1) / window;
    return length;
  }
  /// The shortest input that leaves one token.
  static constexpr Index shortest_input = 57;
};

/// The supervised baseline of GenomicBenchmarks (Gresova et al. 2023) as kuleshov-group/caduceus trains it
/// (src/models/baseline/genomics_benchmark_cnn.py):
///   ids [B, L] -> Embedding -> 3 x [Conv1d of 8 taps -> BatchNorm -> MaxPool of 2] -> flatten -> Linear -> Linear
/// with one ReLU, after the first BatchNorm, and none between the dense layers. [PAD] is a token like any other. In
/// evaluation a sequence's logits depend on that sequence alone. The first convolution reads the embedding as a table
/// (ops::token_conv1d), and the ReLU follows the pooling, which is the same function of fewer numbers.
template <Device D, class P>
class CnnClassifier {
 public:
  using T = typename P::Activation;
  using Ids = Tensor<std::int32_t, D>;
  using Config = CnnConfig;
  static_assert(std::is_same_v<T, wide_t<T>>, "the CNN has no bfloat16: use fp32 or fp64");
  static constexpr const char* model_type = "genomics_benchmark_cnn";
  static constexpr Index no_ignored_label = -100;

  CnnClassifier() = default;
  explicit CnnClassifier(const Config& c)
      : config(check(c)),
        embeddings({c.vocab_size, c.embedding_dim}, Init::normal(1), false),
        conv_0(c.embedding_dim, Config::channels[0], Config::taps),
        norm_0(Config::channels[0], c.bn_eps, c.bn_momentum),
        conv_1(Config::channels[0], Config::channels[1], Config::taps),
        norm_1(Config::channels[1], c.bn_eps, c.bn_momentum),
        conv_2(Config::channels[1], Config::channels[2], Config::taps),
        norm_2(Config::channels[2], c.bn_eps, c.bn_momentum),
        dense_0(Config::channels[2] * c.last_length(), Config::hidden, true),
        dense_1(Config::hidden, c.number_of_classes, true) {
    dense_0.bias.init = dense_0.weight.init;
    dense_1.bias.init = dense_1.weight.init;
  }

  static auto graph(auto& m) {
    return seq(TokenConv1d<D, P>{m.embeddings, m.conv_0}, m.norm_0, max_pool(Config::window), relu, m.conv_1, m.norm_1,
               max_pool(Config::window), m.conv_2, m.norm_2, max_pool(Config::window), flatten_channels, m.dense_0,
               m.dense_1);
  }

  /// ids [B, input_len] -> [B, classes], by the running statistics.
  Tensor<T, D> logits(Context<D>& context, const Ids& ids) const {
    check_ids(ids);
    return wire::infer(*this, context, ids);
  }

  /// Cross-entropy of integer labels [B]; gradients of factor * loss are added to the parameters'. With context.training the
  /// statistics are the batch's, and the running ones move.
  ops::CrossEntropy loss_and_gradients(Context<D>& context, const Ids& ids, const Ids& labels, double factor = 1) {
    check_ids(ids);
    wire::saved_t<CnnClassifier, Ids> saved;
    const Tensor<T, D> y = wire::forward(*this, context, ids, saved);
    const ops::CrossEntropy result = ops::cross_entropy(context, y, labels, no_ignored_label);
    wire::backward(*this, context, ops::cross_entropy_backward(context, result, y, labels, no_ignored_label, factor),
                   saved);
    return result;
  }

  /// The original's names; numbers count its Sequential, whose poolings and ReLU have no weights.
  void visit(auto&& v) {
    v("embeddings.weight", embeddings);
    v("cnn_model.0", conv_0);
    v("cnn_model.1", norm_0);
    v("cnn_model.4", conv_1);
    v("cnn_model.5", norm_1);
    v("cnn_model.7", conv_2);
    v("cnn_model.8", norm_2);
    v("dense_model.0", dense_0);
    v("dense_model.1", dense_1);
  }

  Config config;
  Parameter<T, D> embeddings;
  DenseConvWeights<D, P> conv_0;
  BatchNorm<D, P> norm_0;
  Conv1dDense<D, P> conv_1;
  BatchNorm<D, P> norm_1;
  Conv1dDense<D, P> conv_2;
  BatchNorm<D, P> norm_2;
  Linear<D, P> dense_0, dense_1;

 private:
  static const Config& check(const Config& c) {
    if (c.last_length() < 1)
      throw Error{{.kind = ErrorKind::usage,
                   .what = "the CNN cannot read so short an input",
                   .expected = "input_len of at least " + std::to_string(Config::shortest_input),
                   .found = std::to_string(c.input_len)}};
    return c;
  }
  void check_ids(const Ids& ids) const {
    if (ids.shape().rank() != 2 || ids.size(1) != config.input_len)
      throw Error{{.kind = ErrorKind::shape,
                   .what = "ids do not fit the CNN",
                   .expected = "[B, " + std::to_string(config.input_len) + "]",
                   .found = ids.shape().text()}};
  }
};

/// config.json of a CNN; throws kind `input`, naming file and field.
inline CnnConfig read_cnn_config(const Json& json, const std::string& where) {
  CnnConfig c;
  c.number_of_classes = field_or(json, "number_of_classes", c.number_of_classes, where);
  c.vocab_size = field_or(json, "vocab_size", c.vocab_size, where);
  c.input_len = require<Index>(json, "input_len", where);
  c.embedding_dim = field_or(json, "embedding_dim", c.embedding_dim, where);
  c.bn_eps = field_or(json, "bn_eps", c.bn_eps, where);
  c.bn_momentum = field_or(json, "bn_momentum", c.bn_momentum, where);
  const auto within = [&](const char* field, Index value, Index least, Index most) {
    if (value < least || value > most)
      throw Error{{.kind = ErrorKind::input,
                   .what = std::string("field \"") + field + "\" is out of range",
                   .where = where,
                   .expected = std::to_string(least) + " to " + std::to_string(most),
                   .found = std::to_string(value)}};
  };
  within("number_of_classes", c.number_of_classes, 1, 1 << 16);
  within("vocab_size", c.vocab_size, 1, 1 << 20);
  within("input_len", c.input_len, CnnConfig::shortest_input, 1 << 24);
  within("embedding_dim", c.embedding_dim, 1, 1 << 16);
  return c;
}

inline OrderedJson write_cnn_config(const CnnConfig& c) {
  return {{"model", "genomics_benchmark_cnn"}, {"number_of_classes", c.number_of_classes}, {"vocab_size", c.vocab_size},
          {"input_len", c.input_len},          {"embedding_dim", c.embedding_dim},         {"bn_eps", c.bn_eps},
          {"bn_momentum", c.bn_momentum}};
}

}  // namespace ligase::inline LIGASE_ISA
