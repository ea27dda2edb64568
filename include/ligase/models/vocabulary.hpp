#pragma once

#include <ligase/seq/tokenizer/tokenizer.hpp>

#include <utility>

namespace ligase::inline LIGASE_ISA {

/// The configuration with a tokenizer's vocabulary and, where the backbone has one, its complement map: none where reverse
/// complement is no operation on tokens, which a strand-symmetric backbone refuses (kind `usage`).
template <class Backbone, Tokenizer T>
typename Backbone::Config with_vocabulary(typename Backbone::Config config, const T& tokenizer) {
  config.vocab_size = tokenizer.vocab_size();
  if constexpr (requires { config.complement_map; }) {
    config.complement_map.clear();
    if constexpr (TokenwiseComplement<T>)
      if (Backbone::SymmetryType::strands == 2 || has_tokenwise_complement(tokenizer))
        config.complement_map = tokenizer.complement_map(config.padded_vocab_size());
  }
  return config;
}

}  // namespace ligase::inline LIGASE_ISA
