#pragma once

#include <ligase/core/error.hpp>
#include <ligase/seq/tokenizer/bpe_definition.hpp>
#include <ligase/seq/tokenizer/bpe_text.hpp>
#include <ligase/seq/tokenizer/bpe_word.hpp>
#include <ligase/seq/tokenizer/token_checks.hpp>
#include <ligase/seq/tokenizer/tokenizer.hpp>

#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// Byte-pair encoding over characters, as huggingface/tokenizers runs a tokenizer.json (BPE model, pre-tokenizer
/// Whitespace or none): DNABERT-2's tokenizer. Files are read and written by bpe_json.hpp, made by bpe_train.hpp.
/// A text is cut at the added tokens, the rest into words, and each word merged: the lowest rank first, leftmost of
/// equals, one pair at a time. A character that the vocabulary lacks is the unknown token (each, or a row of them where
/// unknown ones are fused) and refused, kind `input`, without one. A byte that is no UTF-8 is a character that no
/// vocabulary has. Not a tokenizer for strand-symmetric models: merges run from the left.
/// Linear time and 4 bytes per letter of a word beside the result, where every longer token comes from one merge after
/// those of its parts (detail::BpeAutomaton; published and trained vocabularies); O(n log n) otherwise. Copies share
/// their tables.
class BpeTokenizer {
 public:
  /// Throws kind `input`, naming `where`, for what detail::BpeModel refuses, and for an unknown token outside the
  /// vocabulary or with a merge, added tokens that contradict the vocabulary, and templates without exactly one A.
  explicit BpeTokenizer(BpeDefinition definition, std::string where = "BPE tokenizer")
      : parts_(std::make_shared<const Parts>(std::move(definition), std::move(where))) {}

  Index vocab_size() const { return model().vocab_size(); }
  std::string name() const { return "bpe"; }
  std::vector<TokenId> prefix() const { return parts_->prefix; }
  std::vector<TokenId> suffix() const { return parts_->suffix; }

  /// Ids of the special tokens under their usual names; throw kind `input` where the vocabulary has none.
  TokenId pad_id() const {
    return parts_->definition.pad ? *parts_->definition.pad : special("padding", {"[PAD]", "<pad>"});
  }
  TokenId mask_id() const { return special("masks", {"[MASK]", "<mask>"}); }
  TokenId cls_id() const { return special("beginnings", {"[CLS]", "<cls>", "<s>"}); }
  TokenId sep_id() const { return special("ends", {"[SEP]", "<eos>", "</s>"}); }
  TokenId unk_id() const {
    if (parts_->unknown < 0) model().refuse("the vocabulary has no unknown token");
    return model().token(parts_->unknown).id;
  }
  PadSide pad_side() const { return parts_->definition.pad_side; }

  /// See Tokenizer.
  std::vector<TokenId> encode(std::string_view text) const {
    return detail::gather_ids(text.size() / 4 + 4, [&](auto&& write) { scan(text, write); });
  }
  Encoding encode_spans(std::string_view text) const {
    return detail::gather_spans(text.size() / 4 + 4, [&](auto&& write) { scan(text, write); });
  }
  /// Texts of the tokens one after the other; encode(decode(ids)) == ids for texts without white space.
  std::string decode(std::span<const TokenId> ids) const { return model().text(ids, name()); }
  /// Text of a token.
  const std::string& token(TokenId id) const { return model().require(id, name()).text; }

  /// What this tokenizer was made from, vocabulary in the order of ids.
  BpeDefinition definition() const {
    BpeDefinition d = parts_->definition;
    d.vocabulary.clear();
    for (const BpeToken& t : model().tokens())
      if (t.in_vocabulary) d.vocabulary.push_back(t);
    for (const detail::BpeModel::Merge& m : model().merges())
      d.merges.emplace_back(model().token(m.left).text, model().token(m.right).text);
    return d;
  }

 private:
  using Slot = detail::BpeModel::Slot;

  struct Parts {
    Parts(BpeDefinition d, std::string where)
        : definition(std::move(d)),
          engine(tokens_of(definition, where), definition.merges, BpeLetters::characters, where),
          added(definition.added) {
      const detail::BpeModel& model = engine.model;
      if (definition.words == BpeDefinition::Words::byte_level)
        model.refuse("the tokenizer is byte-level", "characters as letters (ByteBpeTokenizer reads byte-level ones)");
      definition.vocabulary.clear();
      definition.merges.clear();
      if (definition.unknown) find_unknown();
      bool behind = false;
      for (const BpeTemplatePiece& piece : definition.single) {
        if (piece.is_sequence) {
          if (behind || piece.name != "A")
            model.refuse("the template for one text is not understood", "one sequence A");
          behind = true;
          continue;
        }
        const Slot slot = model.find(piece.name);
        if (slot < 0) model.refuse("the template names a token outside the vocabulary", "", "\"" + piece.name + "\"");
        (behind ? suffix : prefix).push_back(model.token(slot).id);
      }
      if (!behind && !definition.single.empty()) model.refuse("the template for one text has no sequence A");
    }

    static std::vector<BpeToken> tokens_of(BpeDefinition& d, const std::string& where) {
      std::vector<BpeToken> tokens = std::move(d.vocabulary);
      detail::add_beside(tokens, d.added, where);
      return tokens;
    }

    void find_unknown() {
      const detail::BpeModel& model = engine.model;
      unknown = model.find(*definition.unknown);
      if (unknown < 0 || !model.token(unknown).in_vocabulary)
        model.refuse("the unknown token is not in the vocabulary", "", "\"" + *definition.unknown + "\"");
      for (const detail::BpeModel::Merge& m : model.merges())
        if (m.left == unknown || m.right == unknown || m.product == unknown)
          model.refuse("a merge has to do with the unknown token", "merges of other tokens",
                       "\"" + *definition.unknown + "\"");
    }

    BpeDefinition definition;  ///< without vocabulary and merges, which the model holds
    detail::BpeEngine engine;
    detail::AddedTokenPair added;
    Slot unknown = -1;
    std::vector<TokenId> prefix, suffix;
  };

  const detail::BpeModel& model() const { return parts_->engine.model; }

  TokenId special(const char* purpose, std::initializer_list<const char*> names) const {
    for (const char* text : names)
      if (const Slot slot = model().find(std::string_view(text)); slot >= 0) return model().token(slot).id;
    model().refuse(std::string("the vocabulary has no token for ") + purpose, *names.begin());
  }

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
      scan_word(text, begin, end, *encoder, write);
    };
    parts_->added.split(text, write, [&](std::size_t begin, std::size_t end) {
      if (parts_->definition.words == BpeDefinition::Words::whitespace)
        detail::split_whitespace(text, begin, end, word);
      else if (begin < end)
        word(begin, end);
    });
  }

  /// Letters up to the next unknown one are a piece; unknown ones take part in no merge.
  template <class Write>
  void scan_word(std::string_view text, std::size_t begin, std::size_t end, detail::BpeWord& encoder,
                 Write&& write) const {
    std::size_t from = begin;  // of the piece, or of the unknown letters
    bool in_unknown = false;
    const auto write_unknown = [&](std::size_t to) {
      write(unk_id(), from, to);
      from = to;
    };
    const auto write_piece = [&] {
      encoder.finish([&](Slot slot) {
        const BpeToken& t = model().token(slot);
        write(t.id, from, from + t.text.size());
        from += t.text.size();
      });
    };
    for (std::size_t i = begin; i < end;) {
      const detail::Character c = detail::first_character(text.substr(i, end - i));
      const Slot letter = model().letter(c.code);
      if (letter >= 0) {
        if (in_unknown) write_unknown(i);
        in_unknown = false;
        encoder.push(letter);
      } else {
        if (parts_->unknown < 0) refuse_letter(text.substr(i, c.bytes), i);
        if (!in_unknown)
          write_piece();
        else if (!parts_->definition.fuse_unknown)
          write_unknown(i);
        in_unknown = true;
      }
      i += c.bytes;
    }
    if (in_unknown)
      write_unknown(end);
    else
      write_piece();
  }

  [[noreturn]] void refuse_letter(std::string_view letter, std::size_t place) const {
    throw Error{{.kind = ErrorKind::input,
                 .what = "a letter is not in the vocabulary, which has no unknown token",
                 .where = name() + " tokenizer, byte " + std::to_string(place) + " of the text",
                 .found = "\"" + std::string(letter) + "\""}};
  }

  std::shared_ptr<const Parts> parts_;
};

static_assert(Tokenizer<BpeTokenizer> && HasMask<BpeTokenizer> && HasPad<BpeTokenizer> && HasUnknown<BpeTokenizer> &&
              !TokenwiseComplement<BpeTokenizer>);

}  // namespace ligase::inline LIGASE_ISA
