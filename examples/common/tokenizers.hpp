#pragma once

#include <common/models.hpp>

#include <ligase/seq/tokenizer/any.hpp>

#include <filesystem>
#include <string>

namespace ligase_cli {

/// A model whose tokenizer was chosen at run time.
template <class Backbone, class D, class P>
using AnyModel = ligase::Model<Backbone, ligase::AnyTokenizer, D, P>;

/// `char`, `bytes`, `kmer:K`, `kmer-overlap:K`, or a file: tokenizer.json, or vocab.txt of k-mers. `flag` names it in errors.
ligase::AnyTokenizer tokenizer_named(const std::string& name, const std::string& flag);

/// The file that such a name means; empty for the others.
std::filesystem::path file_of_tokenizer(const std::string& name);

/// Refuses windows so short that they give no token: kind usage, naming --length.
void check_window_length(const ligase::AnyTokenizer& tokenizer, ligase::Index length);

/// The tokenizer that lies in a checkpoint folder; CharTokenizer where there is none.
ligase::AnyTokenizer tokenizer_of(const std::filesystem::path& folder);

/// Writes the files that tokenizer_of and the originals read.
void save_tokenizer(const ligase::AnyTokenizer& tokenizer, const std::filesystem::path& folder);

}  // namespace ligase_cli
