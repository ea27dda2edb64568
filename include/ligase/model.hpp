#pragma once

#include <ligase/core/precision.hpp>
#include <ligase/heads/language_model.hpp>
#include <ligase/io/weights_file.hpp>
#include <ligase/models/checkpoint_folder.hpp>
#include <ligase/models/vocabulary.hpp>
#include <ligase/models/weights.hpp>
#include <ligase/seq/tokenizer/char_files.hpp>
#include <ligase/seq/tokenizer/tokenizer.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// A genomic language model as one type: architecture, tokenizer, device and number types are chosen at compile time,
/// everything that stands in a config.json at run time.
///
///   Model<BiMamba<RCPS>, CharTokenizer> model({.d_model = 128, .n_layer = 4}, seed);
///
/// Owns backbone and language-model head. Inference members are const and may be called from several threads.
template <class Backbone, Tokenizer Tok, Device D = cpu, class P = fp32>
class Model {
  static constexpr bool two_strands = Backbone::SymmetryType::strands == 2;
  static_assert(!two_strands || TokenwiseComplement<Tok>,
                "RCPS needs a tokenizer whose reverse complement is an operation on tokens (characters, bytes, overlapping "
                "k-mers): with this tokenizer the two strands have different token boundaries; use BiMamba<None>");
  static_assert(is_precision<P>, "the fourth argument of Model is a Precision: fp32, fp64 or bf16");
  static_assert(!std::is_same_v<D, cpu> || std::is_same_v<typename P::Activation, typename P::State>,
                "the host computes in fp32 or fp64; bf16 is for cuda");

 public:
  using T = typename P::Activation;
  using Ids = Tensor<std::int32_t, D>;
  using Config = typename Backbone::Config;
  using Network = LanguageModel<Backbone, D, P>;

  /// A fresh model; its weights depend on configuration and seed alone. Vocabulary and complement map of the configuration
  /// are the tokenizer's.
  explicit Model(Config config, std::uint64_t seed = 2222, Tok tokenizer = Tok())
      : tokenizer_(std::move(tokenizer)), config_(with_vocabulary<Backbone>(std::move(config), tokenizer_)), network_(config_) {
    initialize(network_, seed);
  }

  /// Reads the configuration and the weights of a folder in the Hugging Face layout, or of a file of weights with its
  /// configuration beside it: find_checkpoint_files says what is looked for, open_weights which containers are read,
  /// load_weights how names are matched.
  static Model load(const std::string& name, Tok tokenizer = Tok(), const LoadOptions& options = {})
    requires(D::holds_data)
  {
    const CheckpointFiles files = find_checkpoint_files(name);
    const std::string config_file = files.config.string();
    Config config = Backbone::read_config(parse_json_file<Json>(config_file), config_file);
    const StateDict weights = open_weights(files.weights);
    Backbone::check_against_weights(config, config_file, weights.data_bytes());
    Model model(std::move(config), std::move(tokenizer), config_file);
    load_weights(model.network_, weights, options);
    return model;
  }

  /// Writes config.json, model.safetensors and, of a tokenizer that has them, its files, each atomically; the folder is made
  /// where it is missing. Equal weights give equal bytes of model.safetensors, wherever they came from.
  void save(const std::filesystem::path& folder) const
    requires(D::holds_data)
  {
    make_folder(folder);
    save_weights(network_, folder / "model.safetensors");
    write_json_file(folder / "config.json", Backbone::write_config(config_));
    if constexpr (requires { save_tokenizer(tokenizer_, folder); }) save_tokenizer(tokenizer_, folder);
  }

  const Config& config() const { return config_; }
  const Tok& tokenizer() const { return tokenizer_; }
  Network& network() { return network_; }
  const Network& network() const { return network_; }
  /// Threads of the calls that take no context of their own.
  void set_threads(int threads) { threads_ = threads; }
  /// A context for this model's calls: inference, as many threads as were set.
  Context<D> context() const {
    Context<D> c;
    c.threads = threads_;
    return c;
  }

  /// ids [1, L] of a sequence.
  Ids encode(std::string_view sequence) const {
    const std::vector<TokenId> ids = encode_some(sequence);
    Ids tensor({1, static_cast<Index>(ids.size())});
    if constexpr (D::holds_data) tensor.assign(ids);
    return tensor;
  }

  /// [B, L] -> logits [B, L, V], V the padded vocabulary.
  Tensor<T, D> logits(const Ids& ids) const {
    Context<D> c = context();
    return network_.logits(c, ids);
  }
  Tensor<T, D> logits(std::string_view sequence) const { return logits(encode(sequence)); }

  /// The same of several sequences at once, packed without padding: [1, L_i, V] each, the bits of each one alone.
  std::vector<Tensor<T, D>> logits(const std::vector<std::string>& sequences) const
    requires(D::holds_data)
  {
    auto offsets = std::make_shared<std::vector<Index>>(1, 0);
    std::vector<TokenId> all;
    for (const std::string& sequence : sequences) {
      const std::vector<TokenId> ids = encode_some(sequence);
      all.insert(all.end(), ids.begin(), ids.end());
      offsets->push_back(static_cast<Index>(all.size()));
    }
    std::vector<Tensor<T, D>> parts;
    if (sequences.empty()) return parts;
    Context<D> c = context();
    c.offsets = offsets;
    const Tensor<T, D> y = network_.logits(c, Ids::from({1, static_cast<Index>(all.size())}, all));
    const Tensor<T, D> rows = y.reshaped({y.size(1), y.size(2)});
    for (std::size_t i = 1; i < offsets->size(); ++i) {
      const Tensor<T, D> part = rows.slice((*offsets)[i - 1], (*offsets)[i]);
      parts.push_back(part.reshaped({1, part.size(0), part.size(1)}));
    }
    return parts;
  }

  /// Hidden states after the final norm, [1, L, D]; of RCPS [1, L, 2 D] in the original's layout: the second half is the
  /// other strand's state of the same base, its channels reversed.
  Tensor<T, D> embed(std::string_view sequence) const {
    Context<D> c = context();
    return network_.embed(c, encode(sequence));
  }

  /// Mean cross-entropy in nats over labels other than [PAD].
  ops::CrossEntropy loss(const Ids& ids, const Ids& labels) const
    requires HasPad<Tok>
  {
    Context<D> c = context();
    return network_.loss(c, ids, labels, tokenizer_.pad_id());
  }

  void visit(auto&& v) { network_.visit(v); }

 private:
  std::vector<TokenId> encode_some(std::string_view sequence) const {
    std::vector<TokenId> ids = tokenizer_.encode(sequence);
    if (ids.empty())
      throw Error{{.kind = ErrorKind::input, .what = "the sequence gives no token", .expected = "at least one letter"}};
    return ids;
  }
  Model(Config config, Tok tokenizer, const std::string& config_file)
      : tokenizer_(std::move(tokenizer)), config_(std::move(config)), network_(config_) {
    if (config_.padded_vocab_size() < tokenizer_.vocab_size())
      throw Error{{.kind = ErrorKind::input,
                   .what = "the checkpoint's vocabulary is smaller than the tokenizer's",
                   .where = config_file,
                   .expected = "at least " + std::to_string(tokenizer_.vocab_size()),
                   .found = std::to_string(config_.padded_vocab_size())}};
  }

  Tok tokenizer_;
  Config config_;
  Network network_;
  int threads_ = available_threads();
};

}  // namespace ligase::inline LIGASE_ISA
