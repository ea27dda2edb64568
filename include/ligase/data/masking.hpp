#pragma once

#include <ligase/core/error.hpp>
#include <ligase/core/random.hpp>
#include <ligase/seq/tokenizer/tokenizer.hpp>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <span>
#include <string>

namespace ligase::inline LIGASE_ISA {

/// The ids that building training targets needs; defaults are those of the character tokenizer.
struct TargetIds {
  TokenId end = 1;            ///< [SEP], the last target of a causal sample
  TokenId mask = 3;           ///< [MASK]
  TokenId ignore = 4;         ///< [PAD], also the target that does not count
  TokenId unknown_base = 11;  ///< N, becomes `ignore` before anything else; -1: no such id
  TokenId first_random = 0;   ///< random replacements are first_random ..
  TokenId last_random = 11;   ///< .. last_random: all ids, specials included, as in the original
  Index mask_left = 0;        ///< tokens before a chosen one that are chosen with it
  Index mask_right = 0;       ///< tokens behind it; both for tokens that overlap, whose neighbours would give them away

  /// Random replacements from A, C, G, T only (not the original's behaviour).
  TargetIds acgt_only() const {
    TargetIds ids = *this;
    ids.first_random = 7;
    ids.last_random = 10;
    return ids;
  }
};

/// Throws unless 0 <= p <= 1.
inline void check_probability(const char* name, double p) {
  if (!(p >= 0.0 && p <= 1.0))
    throw Error{{.kind = ErrorKind::usage,
                 .what = "no probability",
                 .where = name,
                 .expected = "0 to 1",
                 .found = std::to_string(p)}};
}

/// N -> [PAD]: the original's pretraining does not let the model see or predict N.
inline void replace_unknown_bases(std::span<TokenId> tokens, const TargetIds& ids) {
  if (ids.unknown_base < 0) return;
  for (TokenId& token : tokens)
    if (token == ids.unknown_base) token = ids.ignore;
}

/// Masked-language-model corruption in place. Each position is chosen independently with probability p; its label is
/// the id that stands there, every other label is `ignore`. Of the chosen, 80 % become [MASK], half of the rest a
/// uniform random id, the others stay. Chosen [PAD] positions are corrupted too, but their label is `ignore`. N must be
/// replaced before. tokens, labels: [L]. Position t uses the four words of stream.words(t), in the order chosen, mask,
/// random, id; so a result depends on (stream, t, token) alone. Reproduces kuleshov-group/caduceus
/// src/dataloaders/utils/mlm.py (the distribution, not torch's generator). Tokens that overlap are chosen in runs: each is a
/// centre with probability p / (mask_left + 1 + mask_right) and takes its neighbours along, as DNABERT's pretraining.
inline void mask_tokens(std::span<TokenId> tokens, std::span<TokenId> labels, double p, const TargetIds& ids,
                        const RandomStream& stream) {
  const auto threshold = [](double share) { return static_cast<std::uint64_t>(std::ldexp(share, 32)); };
  const std::uint64_t centre = threshold(p / static_cast<double>(ids.mask_left + 1 + ids.mask_right)), masked = threshold(0.8), replaced = threshold(0.5);
  const auto choices = static_cast<std::uint64_t>(ids.last_random - ids.first_random + 1);
  const auto chosen = [&](Index t) {
    const Index first = std::max<Index>(0, t - ids.mask_right), last = std::min(std::ssize(tokens) - 1, t + ids.mask_left);
    for (Index c = first; c <= last; ++c)
      if (stream.words(static_cast<std::uint64_t>(c)).word[0] < centre) return true;
    return false;
  };
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    labels[t] = ids.ignore;
    if (!chosen(static_cast<Index>(t))) continue;
    const RandomWords words = stream.words(t);
    labels[t] = tokens[t];
    if (words.word[1] < masked)
      tokens[t] = ids.mask;
    else if (words.word[2] < replaced)
      tokens[t] = ids.first_random + static_cast<TokenId>((words.word[3] * choices) >> 32);
  }
}

/// Next-token targets: labels[t] = tokens[t + 1], the last one is [SEP] and counts. tokens, labels: [L].
inline void next_token_labels(std::span<const TokenId> tokens, std::span<TokenId> labels, const TargetIds& ids) {
  for (std::size_t t = 0; t < tokens.size(); ++t) labels[t] = t + 1 < tokens.size() ? tokens[t + 1] : ids.end;
}

}  // namespace ligase::inline LIGASE_ISA
