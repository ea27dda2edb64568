#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <vector>

namespace ligase_cli {

/// The names under which transformers keeps tokenizers.
inline constexpr std::array<const char*, 7> tokenizer_files{"tokenizer.json",
                                                            "tokenizer_config.json",
                                                            "special_tokens_map.json",
                                                            "added_tokens.json",
                                                            "vocab.txt",
                                                            "vocab.json",
                                                            "merges.txt"};

/// A file in a checkpoint folder or in the folder above, where `pretrain --out` keeps what belongs to its checkpoint/.
std::optional<std::filesystem::path> beside_checkpoint(const std::filesystem::path& folder, const char* name);

/// What an output must not replace: configuration, weights and tokenizer of a checkpoint (a folder, or a file of weights),
/// whether they exist or not, and state, log, result and rows of the run that it belongs to.
std::vector<std::filesystem::path> files_of_checkpoint(const std::filesystem::path& checkpoint);

}  // namespace ligase_cli
