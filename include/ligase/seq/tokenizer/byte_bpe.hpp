#pragma once

#include <ligase/core/error.hpp>
#include <ligase/seq/tokenizer/bpe_definition.hpp>
#include <ligase/seq/tokenizer/bpe_text.hpp>
#include <ligase/seq/tokenizer/bpe_word.hpp>
#include <ligase/seq/tokenizer/byte_bpe_split.hpp>
#include <ligase/seq/tokenizer/token_checks.hpp>
#include <ligase/seq/tokenizer/tokenizer.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// Byte-pair encoding over bytes, as GPT-2 (openai/gpt-2 src/encoder.py) and GPT-Neo: the text is cut into words by
/// GPT-2's expression (detail::split_gpt2), the bytes of a word are merged, lowest rank first. Every text has an
/// encoding, and decode(encode(text)) == text for all bytes. <|endoftext|> in the text, spelt exactly, is the special
/// token, as in huggingface's class (the original's encoder takes it for letters). No special tokens are put around a
/// text. Time and memory as BpeTokenizer. Files are read by bpe_json.hpp.
class ByteBpeTokenizer {
 public:
  static constexpr const char* end_of_text = "<|endoftext|>";

  /// Throws kind `input`, naming `where`: as BpeTokenizer, and for definitions that are not byte-level, tokens with
  /// characters that stand for no byte, and a vocabulary without one of the 256 bytes.
  explicit ByteBpeTokenizer(BpeDefinition definition, std::string where = "byte-level BPE tokenizer")
      : parts_(std::make_shared<const Parts>(std::move(definition), std::move(where))) {}

  Index vocab_size() const { return model().vocab_size(); }
  std::string name() const { return "byte-bpe"; }
  std::vector<TokenId> prefix() const { return {}; }
  std::vector<TokenId> suffix() const { return {}; }

  /// <|endoftext|>; throws kind `input` where the vocabulary has none.
  TokenId eos_id() const {
    const Slot slot = model().find(std::string_view(end_of_text));
    if (slot < 0) model().refuse(std::string("the vocabulary has no ") + end_of_text);
    return model().token(slot).id;
  }
  /// The fine-tunes of GPT-Neo pad with <|endoftext|>, on the right.
  TokenId pad_id() const { return parts_->definition.pad ? *parts_->definition.pad : eos_id(); }
  PadSide pad_side() const { return parts_->definition.pad_side; }

  /// See Tokenizer.
  std::vector<TokenId> encode(std::string_view text) const {
    return detail::gather_ids(text.size() / 2 + 4, [&](auto&& write) { scan(text, write); });
  }
  Encoding encode_spans(std::string_view text) const {
    return detail::gather_spans(text.size() / 2 + 4, [&](auto&& write) { scan(text, write); });
  }
  std::string decode(std::span<const TokenId> ids) const { return model().text(ids, name()); }
  /// Bytes of a token.
  const std::string& token(TokenId id) const { return model().require(id, name()).text; }

  /// What this tokenizer was made from, vocabulary in the order of ids.
  BpeDefinition definition() const {
    BpeDefinition d = parts_->definition;
    for (const BpeToken& t : model().tokens())
      if (t.in_vocabulary) d.vocabulary.push_back({t.id, detail::printable_of_bytes(t.text)});
    for (const detail::BpeModel::Merge& m : model().merges())
      d.merges.emplace_back(detail::printable_of_bytes(model().token(m.left).text),
                            detail::printable_of_bytes(model().token(m.right).text));
    return d;
  }

 private:
  using Slot = detail::BpeModel::Slot;

  struct Parts {
    Parts(BpeDefinition d, std::string where)
        : definition(std::move(d)),
          engine(tokens_of(definition, where), definition.merges, BpeLetters::bytes, where),
          added(definition.added) {
      const detail::BpeModel& model = engine.model;
      definition.vocabulary.clear();
      definition.merges.clear();
      for (int byte = 0; byte < 256; ++byte)
        if (model.letter(byte) < 0)
          model.refuse("a byte is not in the vocabulary", "all 256 as tokens",
                       "no token for byte " + std::to_string(byte));
      if (!definition.single.empty() || definition.unknown || definition.fuse_unknown)
        model.refuse("templates and unknown tokens are not supported in a byte-level tokenizer");
    }

    /// The definition's texts become bytes.
    static std::vector<BpeToken> tokens_of(BpeDefinition& d, const std::string& where) {
      const auto to_bytes = [&](std::string& text) {
        std::string bytes;
        if (!detail::bytes_of_printable(text, bytes))
          throw Error{{.kind = ErrorKind::input,
                       .what = "a token has a character that stands for no byte",
                       .where = where,
                       .expected = "GPT-2's printable characters",
                       .found = "\"" + text.substr(0, 60) + "\""}};
        text = std::move(bytes);
      };
      if (d.words != BpeDefinition::Words::byte_level)
        throw Error{{.kind = ErrorKind::input,
                     .what = "the tokenizer is not byte-level",
                     .where = where,
                     .expected = "bytes as letters (BpeTokenizer reads the others)"}};
      std::vector<BpeToken> tokens = std::move(d.vocabulary);
      for (BpeToken& token : tokens) to_bytes(token.text);
      for (BpeMerge& merge : d.merges) to_bytes(merge.first), to_bytes(merge.second);
      detail::add_beside(tokens, d.added, where);
      return tokens;
    }

    BpeDefinition definition;  ///< without vocabulary and merges, which the model holds
    detail::BpeEngine engine;
    detail::AddedTokenPair added;
  };

  const detail::BpeModel& model() const { return parts_->engine.model; }

  /// write(id, begin, end) for every token of the text.
  template <class Write>
  void scan(std::string_view text, Write&& write) const {
    std::optional<detail::BpeWord> encoder;
    const auto word = [&](std::size_t begin, std::size_t end) {
      if (parts_->definition.ignore_merges)
        if (const Slot slot = model().find(text.substr(begin, end - begin));
            slot >= 0 && model().token(slot).in_vocabulary)
          return write(model().token(slot).id, begin, end);
      if (!encoder) encoder.emplace(parts_->engine, end - begin);
      for (std::size_t i = begin; i < end; ++i) encoder->push(model().letter(static_cast<unsigned char>(text[i])));
      std::size_t from = begin;
      encoder->finish([&](Slot slot) {
        const BpeToken& t = model().token(slot);
        write(t.id, from, from + t.text.size());
        from += t.text.size();
      });
    };
    parts_->added.split(text, write,
                        [&](std::size_t begin, std::size_t end) { detail::split_gpt2(text, begin, end, word); });
  }

  std::shared_ptr<const Parts> parts_;
};

static_assert(Tokenizer<ByteBpeTokenizer> && HasPad<ByteBpeTokenizer> && !HasMask<ByteBpeTokenizer> &&
              !TokenwiseComplement<ByteBpeTokenizer>);

}  // namespace ligase::inline LIGASE_ISA
