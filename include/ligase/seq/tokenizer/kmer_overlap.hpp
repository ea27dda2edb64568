#pragma once

#include <ligase/seq/tokenizer/kmer_table.hpp>
#include <ligase/seq/tokenizer/token_checks.hpp>
#include <ligase/seq/tokenizer/tokenizer.hpp>
#include <ligase/seq/tokenizer/vocabulary.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// All k-mers of a text, one starting at every letter: n letters give n - k + 1 tokens, none where n < k. Reproduces
/// BertTokenizer with the vocabularies of jerryji1993/DNABERT (do_lower_case false): [PAD] 0, [UNK] 1, [CLS] 2, [SEP] 3,
/// [MASK] 4, then the 4^k k-mers in the order A T C G, last letter fastest; [CLS] + k-mers + [SEP]; pads on the right.
/// A k-mer with any other byte, lower case and N included, is [UNK]; `Rules::upper_case` reads lower case as upper.
/// White space separates pieces that are read each for itself, so the original's own input, k-mers with spaces between
/// them, gives its ids; so do the names of special tokens. Longer than 510 tokens, the original's DNATokenizer cuts a
/// sequence into pieces, each with its [CLS] and [SEP]: here that is the caller's business.
class OverlappingKmerTokenizer {
 public:
  struct Rules {
    bool upper_case = false;
  };

  /// DNABERT's vocabulary for k of 3 to 8 (the original's: 3 to 6). Throws kind `usage` for another k.
  explicit OverlappingKmerTokenizer(int k = 6) : OverlappingKmerTokenizer(k, Rules{}) {}
  OverlappingKmerTokenizer(int k, Rules rules) : OverlappingKmerTokenizer(dnabert_vocabulary(k), rules) {}

  /// A vocabulary with all k-mers of one length, the five special tokens, and any others named [...] or <...>, in any
  /// order. Throws kind `input` with file and line.
  explicit OverlappingKmerTokenizer(Vocabulary vocabulary) : OverlappingKmerTokenizer(std::move(vocabulary), Rules{}) {}
  OverlappingKmerTokenizer(Vocabulary vocabulary, Rules rules)
      : tables_(std::make_shared<const Tables>(std::move(vocabulary))), rules_(rules) {}

  static Vocabulary dnabert_vocabulary(int k) {
    detail::check_k(k, shortest, "kmer-overlap");
    std::vector<std::string> tokens{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    detail::append_kmers(k, tokens);
    return Vocabulary(tokens);
  }

  int k() const { return tables_->kmers.k; }
  const Rules& rules() const { return rules_; }
  const Vocabulary& vocabulary() const { return tables_->vocabulary; }
  Index vocab_size() const { return vocabulary().size(); }
  std::string name() const { return "kmer-overlap:" + std::to_string(k()); }
  TokenId pad_id() const { return tables_->pad; }
  TokenId unk_id() const { return tables_->unk; }
  TokenId cls_id() const { return tables_->cls; }
  TokenId sep_id() const { return tables_->sep; }
  TokenId mask_id() const { return tables_->mask; }
  PadSide pad_side() const { return PadSide::right; }
  std::vector<TokenId> prefix() const { return {cls_id()}; }
  std::vector<TokenId> suffix() const { return {sep_id()}; }

  /// O(n), whatever k is. See Tokenizer.
  std::vector<TokenId> encode(std::string_view text) const {
    return detail::collect_ids(text.size(), [&](auto&& write) { scan(text, write); });
  }
  Encoding encode_spans(std::string_view text) const {
    return detail::collect_spans(text.size(), [&](auto&& write) { scan(text, write); });
  }

  /// The text whose k-mers these are: a letter for every token after the first, N for letters that no known k-mer holds,
  /// a space before a k-mer that does not go on from the one before. encode(decode(ids)) == ids for any ids. O(n k).
  std::string decode(std::span<const TokenId> ids) const {
    const auto width = static_cast<std::size_t>(k());
    std::string text;
    bool running = false;        // the text ends in letters of the token before
    bool after_unknown = false;  // which was [UNK]
    for (const TokenId id : ids) {
      const std::string_view token = vocabulary()[static_cast<TokenId>(detail::checked_id(*this, id))];
      if (id == unk_id()) {
        text.append(running ? 1 : width, 'N');
      } else if (tables_->kmers.kmers[static_cast<std::size_t>(id)] == detail::KmerTable::no_kmer) {
        text += token;
        running = after_unknown = false;
        continue;
      } else if (running && continues(text, token, after_unknown)) {
        text.replace(text.size() - (width - 1), width - 1, token.substr(0, width - 1));
        text += token.back();
      } else {
        if (running) text += ' ';
        text += token;
      }
      running = true;
      after_unknown = id == unk_id();
    }
    return text;
  }

  /// The id of the reverse complement k-mer; special tokens map to themselves.
  TokenId complement(TokenId id) const { return tables_->complement[detail::checked_id(*this, id)]; }
  std::vector<TokenId> complement_map(Index size) const { return detail::complement_table(*this, size); }
  std::vector<TokenId> complement_map() const { return complement_map(vocab_size()); }

 private:
  static constexpr int shortest = 3;

  struct Tables {
    explicit Tables(Vocabulary v) : vocabulary(std::move(v)), kmers(vocabulary, shortest, "") {
      complement.resize(static_cast<std::size_t>(vocabulary.size()));
      for (std::size_t id = 0; id < complement.size(); ++id) {
        const std::int32_t index = kmers.kmers[id];
        complement[id] = index == detail::KmerTable::no_kmer
                             ? static_cast<TokenId>(id)
                             : kmers.ids[kmers.reverse_complement(static_cast<std::uint32_t>(index))];
      }
    }
    Vocabulary vocabulary;
    detail::KmerTable kmers;
    std::vector<TokenId> complement;
    TokenId pad = vocabulary.require("[PAD]"), unk = vocabulary.require("[UNK]"), cls = vocabulary.require("[CLS]"),
            sep = vocabulary.require("[SEP]"), mask = vocabulary.require("[MASK]");
  };

  /// Whether a k-mer's first k - 1 letters can be the last of the text. After an [UNK] the letter before them has to be
  /// the unknown one.
  static bool continues(std::string_view text, std::string_view kmer, bool after_unknown) {
    const std::size_t shared = kmer.size() - 1;
    const std::string_view tail = text.substr(text.size() - shared);
    for (std::size_t j = 0; j < shared; ++j)
      if (tail[j] != kmer[j] && tail[j] != 'N') return false;
    return !after_unknown || text[text.size() - shared - 1] == 'N';
  }

  /// write(id, begin, end) for every token. The index rolls: one shift a letter.
  template <class Write>
  void scan(std::string_view text, Write& write) const {
    const detail::LetterClasses& classes = detail::letter_classes(rules_.upper_case);
    const TokenId* const ids = tables_->kmers.ids.data();
    const auto width = static_cast<std::size_t>(k());
    const std::uint32_t mask = (1U << (2 * width)) - 1;
    const TokenId unknown = unk_id();
    std::uint32_t index = 0;
    std::size_t piece = 0, known = 0;  // where the piece began; letters A C G T up to here
    for (std::size_t i = 0; i < text.size(); ++i) {
      const std::uint8_t letter = classes[static_cast<unsigned char>(text[i])];
      if (letter < 4) {
        index = (index << 2 | letter) & mask;
        ++known;
      } else {
        known = 0;
        std::size_t special = 0, bytes = letter == detail::letter_space ? 1 : 0;
        if (letter == detail::letter_bracket) {
          bytes = detail::name_at(text.substr(i), tables_->kmers.special_names, special);
          if (bytes > 0) write(tables_->kmers.special_ids[special], i, i + bytes);
        }
        if (bytes > 0) {
          i += bytes - 1;
          piece = i + 1;
          continue;
        }
      }
      if (i + 1 - piece >= width) write(known >= width ? ids[index] : unknown, i + 1 - width, i + 1);
    }
  }

  std::shared_ptr<const Tables> tables_;
  Rules rules_;
};

static_assert(TokenwiseComplement<OverlappingKmerTokenizer> && HasMask<OverlappingKmerTokenizer> &&
              HasPad<OverlappingKmerTokenizer> && HasUnknown<OverlappingKmerTokenizer>);

}  // namespace ligase::inline LIGASE_ISA
