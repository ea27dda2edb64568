#pragma once

#include <ligase/core/error.hpp>
#include <ligase/seq/tokenizer/tokenizer.hpp>

#include <concepts>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// A tokenizer that was chosen at run time: any of the others, held by value and shared by copies. Model<Backbone,
/// AnyTokenizer> takes every backbone; a strand-symmetric one is refused when the model is made, not when it is compiled.
class AnyTokenizer {
 public:
  template <Tokenizer T>
    requires(!std::same_as<T, AnyTokenizer>)
  AnyTokenizer(T tokenizer) : held_(std::make_shared<const Held<T>>(std::move(tokenizer))) {}

  std::vector<TokenId> encode(std::string_view text) const { return held_->encode(text); }
  Encoding encode_spans(std::string_view text) const { return held_->encode_spans(text); }
  std::string decode(std::span<const TokenId> ids) const { return held_->decode(ids); }
  std::vector<TokenId> prefix() const { return held_->prefix(); }
  std::vector<TokenId> suffix() const { return held_->suffix(); }
  Index vocab_size() const { return held_->vocab_size(); }
  std::string name() const { return held_->name(); }

  /// Special tokens, where the vocabulary has them.
  std::optional<TokenId> pad() const { return held_->pad(); }
  std::optional<TokenId> mask() const { return held_->mask(); }
  std::optional<TokenId> unknown() const { return held_->unknown(); }
  /// The token that ends a text: sep_id(), else eos_id().
  std::optional<TokenId> end() const { return held_->end(); }
  PadSide pad_side() const { return held_->pad_side(); }

  /// Whether reverse complement is an operation on tokens (TokenwiseComplement). complement and complement_map throw kind
  /// `usage` where it is not.
  bool tokenwise_complement() const { return held_->tokenwise(); }
  TokenId complement(TokenId id) const {
    check_tokenwise();
    return held_->complement(id);
  }
  std::vector<TokenId> complement_map(Index size) const {
    check_tokenwise();
    return held_->complement_map(size);
  }

  /// The tokenizer itself where it is a T, else null.
  template <Tokenizer T>
  const T* as() const {
    const auto* held = dynamic_cast<const Held<T>*>(held_.get());
    return held ? &held->t : nullptr;
  }

 private:
  void check_tokenwise() const {
    if (!tokenwise_complement())
      throw Error{{.kind = ErrorKind::usage,
                   .what = "a strand-symmetric model (RCPS) needs a tokenizer whose reverse complement is an operation on tokens: "
                           "with this one the two strands have different token boundaries",
                   .where = name() + " tokenizer",
                   .expected = "char, bytes or kmer-overlap:K, or a model without strand symmetry"}};
  }

  struct Interface {
    virtual ~Interface() = default;
    virtual std::vector<TokenId> encode(std::string_view text) const = 0;
    virtual Encoding encode_spans(std::string_view text) const = 0;
    virtual std::string decode(std::span<const TokenId> ids) const = 0;
    virtual std::vector<TokenId> prefix() const = 0;
    virtual std::vector<TokenId> suffix() const = 0;
    virtual Index vocab_size() const = 0;
    virtual std::string name() const = 0;
    virtual std::optional<TokenId> pad() const = 0;
    virtual std::optional<TokenId> mask() const = 0;
    virtual std::optional<TokenId> unknown() const = 0;
    virtual std::optional<TokenId> end() const = 0;
    virtual PadSide pad_side() const = 0;
    virtual bool tokenwise() const = 0;
    virtual TokenId complement(TokenId id) const = 0;
    virtual std::vector<TokenId> complement_map(Index size) const = 0;
  };

  template <class T>
  struct Held final : Interface {
    explicit Held(T tokenizer) : t(std::move(tokenizer)) {}
    std::vector<TokenId> encode(std::string_view text) const override { return t.encode(text); }
    Encoding encode_spans(std::string_view text) const override { return t.encode_spans(text); }
    std::string decode(std::span<const TokenId> ids) const override { return t.decode(ids); }
    std::vector<TokenId> prefix() const override { return t.prefix(); }
    std::vector<TokenId> suffix() const override { return t.suffix(); }
    Index vocab_size() const override { return t.vocab_size(); }
    std::string name() const override { return t.name(); }
    std::optional<TokenId> pad() const override {
      if constexpr (HasPad<T>) return there([&] { return t.pad_id(); });
      return std::nullopt;
    }
    std::optional<TokenId> mask() const override {
      if constexpr (HasMask<T>) return there([&] { return t.mask_id(); });
      return std::nullopt;
    }
    std::optional<TokenId> unknown() const override {
      if constexpr (HasUnknown<T>) return there([&] { return t.unk_id(); });
      return std::nullopt;
    }
    std::optional<TokenId> end() const override {
      if constexpr (requires { t.sep_id(); })
        return there([&] { return t.sep_id(); });
      else if constexpr (requires { t.eos_id(); })
        return there([&] { return t.eos_id(); });
      return std::nullopt;
    }
    PadSide pad_side() const override {
      if constexpr (HasPad<T>) return t.pad_side();
      return PadSide::right;
    }
    bool tokenwise() const override { return TokenwiseComplement<T>; }
    TokenId complement(TokenId id) const override {
      if constexpr (TokenwiseComplement<T>) return t.complement(id);
      return id;
    }
    std::vector<TokenId> complement_map(Index size) const override {
      if constexpr (TokenwiseComplement<T>) return t.complement_map(size);
      return {};
    }
    /// Vocabularies read from a file may lack a token that their type can have; they refuse to name it.
    template <class Name>
    static std::optional<TokenId> there(Name name) {
      try {
        return name();
      } catch (const Error&) {
        return std::nullopt;
      }
    }
    T t;
  };

  std::shared_ptr<const Interface> held_;
};

static_assert(TokenwiseComplement<AnyTokenizer>);

/// Whether every letter is one token of its own.
inline bool reads_single_bases(const AnyTokenizer& tokenizer) {
  const std::string text = "ACGTACGTACGTACGTACGTACGT";
  return tokenizer.encode(text).size() == text.size();
}

}  // namespace ligase::inline LIGASE_ISA
