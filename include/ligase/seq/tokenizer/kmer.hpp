#pragma once

#include <ligase/core/error.hpp>
#include <ligase/seq/tokenizer/kmer_table.hpp>
#include <ligase/seq/tokenizer/token_checks.hpp>
#include <ligase/seq/tokenizer/tokenizer.hpp>
#include <ligase/seq/tokenizer/vocabulary.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// k-mers side by side, from the left of every run of A C G T; the remainder of a run are single letters, each N is one
/// token. Reproduces the two tokenizers of Nucleotide Transformer, which differ in other bytes:
///   the default                  transformers' EsmTokenizer: a run of bytes that are in no token is one `<unk>`; white
///                                space ends a run and is dropped
///   Rules{.refuse_other = true}  instadeepai/nucleotide-transformer tokenizers.py: refused
/// Case-sensitive, unless `Rules::upper_case`. `<cls>` in front, nothing behind; pads on the right. Names of special tokens
/// inside the text are those tokens under either rule.
/// Vocabularies: v1 `<unk>` 0, `<pad>` 1, `<mask>` 2, `<cls>` 3, the 4^k k-mers, A T C G N; v2 has `<eos>` 4, `<bos>` 5 before the
/// k-mers. The order of k-mers is A T C G, last letter fastest.
class KmerTokenizer {
 public:
  enum class Version { v1, v2 };

  struct Rules {
    bool upper_case = false;
    bool refuse_other = false;
    bool trailing_pad = false;  ///< as fine-tuned by MAGICS-LAB/DNABERT_2 train.py, where eos is `<pad>`
  };

  /// Nucleotide Transformer's vocabulary for k of 2 to 8 (the original's: 6). Throws kind `usage` for another k.
  explicit KmerTokenizer(int k = 6, Version version = Version::v1) : KmerTokenizer(k, version, Rules{}) {}
  KmerTokenizer(int k, Version version, Rules rules)
      : KmerTokenizer(nucleotide_transformer_vocabulary(k, version), rules) {}

  /// A vocabulary with all k-mers of one length, A C G T N, `<unk>` `<pad>` `<mask>` `<cls>`, and any others named `<...>` or [...],
  /// in any order. Throws kind `input` with file and line.
  explicit KmerTokenizer(Vocabulary vocabulary) : KmerTokenizer(std::move(vocabulary), Rules{}) {}
  KmerTokenizer(Vocabulary vocabulary, Rules rules)
      : tables_(std::make_shared<const Tables>(std::move(vocabulary))), rules_(rules) {}

  static Vocabulary nucleotide_transformer_vocabulary(int k, Version version) {
    detail::check_k(k, shortest, "kmer");
    std::vector<std::string> tokens{"<unk>", "<pad>", "<mask>", "<cls>"};
    if (version == Version::v2) tokens.insert(tokens.end(), {"<eos>", "<bos>"});
    detail::append_kmers(k, tokens);
    tokens.insert(tokens.end(), {"A", "T", "C", "G", "N"});
    return Vocabulary(tokens);
  }

  int k() const { return tables_->kmers.k; }
  const Rules& rules() const { return rules_; }
  const Vocabulary& vocabulary() const { return tables_->vocabulary; }
  Index vocab_size() const { return vocabulary().size(); }
  std::string name() const { return "kmer:" + std::to_string(k()); }
  TokenId unk_id() const { return tables_->unk; }
  TokenId pad_id() const { return tables_->pad; }
  TokenId mask_id() const { return tables_->mask; }
  TokenId cls_id() const { return tables_->cls; }
  PadSide pad_side() const { return PadSide::right; }
  std::vector<TokenId> prefix() const { return {cls_id()}; }
  std::vector<TokenId> suffix() const { return std::vector<TokenId>(rules_.trailing_pad ? 1 : 0, pad_id()); }

  /// O(n), in two passes, so that memory is that of the tokens alone. See Tokenizer. Throws kind `input` for other bytes
  /// where the rules refuse them.
  std::vector<TokenId> encode(std::string_view text) const {
    const auto tokens = [&](auto&& write) { scan(text, write); };
    return detail::collect_ids(detail::count_tokens(tokens), tokens);
  }
  Encoding encode_spans(std::string_view text) const {
    const auto tokens = [&](auto&& write) { scan(text, write); };
    return detail::collect_spans(detail::count_tokens(tokens), tokens);
  }

  /// Names joined, with a space where letters would otherwise be read as another k-mer. encode(decode(ids)) == ids for
  /// any ids (where the rules refuse spaces: for ids from encode). O(n).
  std::string decode(std::span<const TokenId> ids) const {
    std::string text;
    int letters = 0;  // single letters A C G T at the end of the text
    for (const TokenId id : ids) {
      const std::size_t place = detail::checked_id(*this, id);
      const bool kmer = tables_->kmers.kmers[place] != detail::KmerTable::no_kmer;
      const bool letter = !kmer && tables_->is_letter(id);
      if ((kmer && letters > 0) || (letter && letters == k() - 1)) {
        text += ' ';
        letters = 0;
      }
      letters = letter ? letters + 1 : 0;
      text += vocabulary()[id];
    }
    return text;
  }

 private:
  static constexpr int shortest = 2;

  struct Tables {
    explicit Tables(Vocabulary v) : vocabulary(std::move(v)), kmers(vocabulary, shortest, "ACGTN") {}
    bool is_letter(TokenId id) const {
      return id == letters[0] || id == letters[1] || id == letters[2] || id == letters[3];
    }
    Vocabulary vocabulary;
    detail::KmerTable kmers;
    TokenId unk = vocabulary.require("<unk>"), pad = vocabulary.require("<pad>"), mask = vocabulary.require("<mask>"),
            cls = vocabulary.require("<cls>"), n = vocabulary.require("N");
    std::array<TokenId, 4> letters{vocabulary.require("A"), vocabulary.require("C"), vocabulary.require("G"),
                                   vocabulary.require("T")};
  };

  [[noreturn]] void refuse_byte(std::string_view text, std::size_t place) const {
    throw Error{{.kind = ErrorKind::input,
                 .what = "a letter is not in the vocabulary",
                 .where = name() + " tokenizer, letter " + std::to_string(place + 1),
                 .expected = "A, C, G, T or N",
                 .found = "'" + std::string(text.substr(place, 1)) + "'"}};
  }

  /// write(id, begin, end) for every token.
  template <class Write>
  void scan(std::string_view text, Write& write) const {
    const detail::LetterClasses& classes = detail::letter_classes(rules_.upper_case);
    const auto width = static_cast<std::size_t>(k());
    const auto class_at = [&](std::size_t i) { return classes[static_cast<unsigned char>(text[i])]; };
    for (std::size_t i = 0; i < text.size();) {
      const std::uint8_t letter = class_at(i);
      if (letter < 4) {
        std::uint32_t index = 0;
        std::size_t end = i;
        for (; end < text.size() && end < i + width && class_at(end) < 4; ++end) index = index << 2 | class_at(end);
        if (end == i + width)
          write(tables_->kmers.ids[index], i, end);
        else
          for (std::size_t j = i; j < end; ++j) write(tables_->letters[class_at(j)], j, j + 1);
        i = end;
      } else if (letter == detail::letter_n) {
        write(tables_->n, i, i + 1);
        ++i;
      } else {
        i = scan_other(text, i, class_at, write);
      }
    }
  }

  /// A special token's name, white space, or a run of unknown bytes; returns where it ends.
  template <class Class, class Write>
  std::size_t scan_other(std::string_view text, std::size_t begin, const Class& class_at, Write& write) const {
    std::size_t special = 0;
    const auto name_bytes = [&](std::size_t i) {
      return class_at(i) == detail::letter_bracket
                 ? detail::name_at(text.substr(i), tables_->kmers.special_names, special)
                 : std::size_t{0};
    };
    if (const std::size_t bytes = name_bytes(begin)) {
      write(tables_->kmers.special_ids[special], begin, begin + bytes);
      return begin + bytes;
    }
    if (rules_.refuse_other) refuse_byte(text, begin);
    if (class_at(begin) == detail::letter_space) return begin + 1;
    std::size_t end = begin + 1;
    while (end < text.size() && class_at(end) > detail::letter_n && class_at(end) != detail::letter_space &&
           name_bytes(end) == 0)
      ++end;
    write(unk_id(), begin, end);
    return end;
  }

  std::shared_ptr<const Tables> tables_;
  Rules rules_;
};

static_assert(!TokenwiseComplement<KmerTokenizer> && HasMask<KmerTokenizer> && HasPad<KmerTokenizer> &&
              HasUnknown<KmerTokenizer>);

}  // namespace ligase::inline LIGASE_ISA
