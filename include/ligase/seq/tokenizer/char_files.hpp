#pragma once

#include <ligase/io/file.hpp>
#include <ligase/seq/tokenizer/char.hpp>

#include <filesystem>
#include <string>

namespace ligase::inline LIGASE_ISA {

/// Writes tokenizer_config.json and special_tokens_map.json, from which AutoTokenizer makes the CaduceusTokenizer of
/// kuleshov-group/caduceus (its code is fetched from a published repository; the vocabulary is in the code). Rules other than
/// caduceus_rules() have no such class, and give no file. `model_max_length` is in tokens. Each file is written atomically.
inline void save_tokenizer(const CharTokenizer& tokenizer, const std::filesystem::path& folder,
                           Index model_max_length = 131072) {
  const CharTokenizer::Rules& rules = tokenizer.rules();
  if (!rules.upper_case || rules.leading_cls || !rules.trailing_sep || rules.eos != CharTokenizer::sep) return;
  const std::string names =
      "  \"bos_token\": \"[BOS]\",\n"
      "  \"cls_token\": \"[CLS]\",\n"
      "  \"eos_token\": \"[SEP]\",\n"
      "  \"mask_token\": \"[MASK]\",\n";
  const std::string more_names =
      "  \"pad_token\": \"[PAD]\",\n"
      "  \"sep_token\": \"[SEP]\",\n";
  write_file(folder / "special_tokens_map.json", "{\n" + names + more_names + "  \"unk_token\": \"[UNK]\"\n}\n");
  write_file(folder / "tokenizer_config.json",
             "{\n"
             "  \"add_prefix_space\": false,\n"
             "  \"auto_map\": {\n"
             "    \"AutoTokenizer\": [\n"
             "      \"kuleshov-group/caduceus-ps_seqlen-131k_d_model-256_n_layer-16--tokenization_caduceus.CaduceusTokenizer\",\n"
             "      null\n"
             "    ]\n"
             "  },\n" +
                 names + "  \"model_max_length\": " + std::to_string(model_max_length) + ",\n" + more_names +
                 "  \"padding_side\": \"left\",\n"
                 "  \"tokenizer_class\": \"CaduceusTokenizer\",\n"
                 "  \"unk_token\": \"[UNK]\"\n"
                 "}\n");
}

}  // namespace ligase::inline LIGASE_ISA
