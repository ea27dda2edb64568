#include <common/tokenizers.hpp>

#include <ligase/io/checkpoint_file.hpp>
#include <ligase/io/json.hpp>
#include <ligase/seq/tokenizer/bpe_json.hpp>
#include <ligase/seq/tokenizer/bpe_json_write.hpp>
#include <ligase/seq/tokenizer/byte.hpp>
#include <ligase/seq/tokenizer/char.hpp>
#include <ligase/seq/tokenizer/char_files.hpp>
#include <ligase/seq/tokenizer/kmer.hpp>
#include <ligase/seq/tokenizer/kmer_overlap.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace ligase_cli {

using namespace ligase;

namespace {

/// A vocab.txt of k-mers: DNABERT's begins with [PAD], Nucleotide Transformer's with <unk>.
AnyTokenizer read_vocabulary(const std::filesystem::path& file) {
  Vocabulary vocabulary = Vocabulary::read(file);
  if (vocabulary.find("[MASK]")) return OverlappingKmerTokenizer(std::move(vocabulary));
  if (vocabulary.find("<mask>")) return KmerTokenizer(std::move(vocabulary));
  throw Error{{.kind = ErrorKind::input,
               .what = "no tokenizer of this build reads the vocabulary",
               .where = file.string(),
               .expected = "[MASK] of overlapping k-mers (DNABERT), or <mask> of k-mers side by side (Nucleotide Transformer)"}};
}

AnyTokenizer make_merges(BpeDefinition definition, const std::string& file) {
  if (definition.words == BpeDefinition::Words::byte_level) return ByteBpeTokenizer(std::move(definition), file);
  return BpeTokenizer(std::move(definition), file);
}

/// Programs show every token of a vocabulary, so its ids may leave no gap.
AnyTokenizer read_merges(const std::filesystem::path& file) {
  const BpeDefinition definition = parse_tokenizer_json(read_file(file), file.string());
  AnyTokenizer tokenizer = make_merges(definition, file.string());
  std::set<TokenId> ids;
  for (const auto& token : definition.vocabulary) ids.insert(token.id);
  for (const auto& token : definition.added) ids.insert(token.id);
  TokenId missing = 0;
  while (ids.contains(missing)) ++missing;
  if (missing == 0 || missing < tokenizer.vocab_size())
    throw Error{{.kind = ErrorKind::input,
                 .what = "the ids of the vocabulary leave a gap",
                 .where = file.string(),
                 .expected = "a token for every id from 0 on",
                 .found = "none for " + std::to_string(missing)}};
  return tokenizer;
}

AnyTokenizer kmers(const std::string& name, const std::string& flag, int k, bool overlapping) {
  try {
    if (overlapping) return OverlappingKmerTokenizer(k);
    return KmerTokenizer(k);
  } catch (const Error& e) {
    Error::Fields fields = e.fields();
    fields.where = flag + " " + name;
    throw Error(std::move(fields));
  }
}

std::optional<int> kmer_length(std::string_view name, std::string_view kind) {
  if (!name.starts_with(kind)) return std::nullopt;
  name.remove_prefix(kind.size());
  int k = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), k);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return k;
}

constexpr const char* byte_class = "ByteTokenizer";

}  // namespace

AnyTokenizer tokenizer_named(const std::string& name, const std::string& flag) {
  if (name == "char") return CharTokenizer{};
  if (name == "bytes") return ByteTokenizer{};
  if (const auto k = kmer_length(name, "kmer:")) return kmers(name, flag, *k, false);
  if (const auto k = kmer_length(name, "kmer-overlap:")) return kmers(name, flag, *k, true);
  if (const std::filesystem::path file = file_of_tokenizer(name); !file.empty()) {
    if (file.extension() == ".txt") return read_vocabulary(file);
    return read_merges(file);
  }
  throw Error{{.kind = ErrorKind::usage,
               .what = "no such tokenizer or file" + did_you_mean(name, {"char", "bytes", "kmer:6", "kmer-overlap:6"}),
               .where = flag,
               .expected = "char, bytes, kmer:K, kmer-overlap:K, or the path of a tokenizer.json or vocab.txt",
               .found = name}};
}

std::filesystem::path file_of_tokenizer(const std::string& name) {
  std::error_code ignored;
  const bool is_name =
      name == "char" || name == "bytes" || name.starts_with("kmer:") || name.starts_with("kmer-overlap:");
  return !is_name && std::filesystem::is_regular_file(name, ignored) ? name : "";
}

void check_window_length(const AnyTokenizer& tokenizer, Index length) {
  constexpr Index enough = 64;  // for one token of any vocabulary
  if (tokenizer.encode(std::string(static_cast<std::size_t>(std::min(length, enough)), 'A')).empty())
    throw Error{{.kind = ErrorKind::usage,
                 .what = "windows of " + std::to_string(length) + " bp give no token of this vocabulary",
                 .where = "--length",
                 .expected = "longer windows for " + tokenizer.name()}};
}

AnyTokenizer tokenizer_of(const std::filesystem::path& folder) {
  if (std::filesystem::exists(folder / "tokenizer.json")) return read_merges(folder / "tokenizer.json");
  if (std::filesystem::exists(folder / "vocab.txt")) return read_vocabulary(folder / "vocab.txt");
  const std::filesystem::path file = folder / "tokenizer_config.json";
  if (std::filesystem::exists(file)) {
    const Json json = parse_json_file<Json>(file.string());
    if (field_or<std::string>(json, "tokenizer_class", "", file.string()) == byte_class) return ByteTokenizer{};
  }
  return CharTokenizer{};
}

void save_tokenizer(const AnyTokenizer& tokenizer, const std::filesystem::path& folder) {
  if (const auto* characters = tokenizer.as<CharTokenizer>()) return ligase::save_tokenizer(*characters, folder);
  std::string name = byte_class;
  if (const auto* kmers = tokenizer.as<OverlappingKmerTokenizer>()) {
    kmers->vocabulary().write(folder / "vocab.txt");
    name = "BertTokenizer";
  } else if (const auto* blocks = tokenizer.as<KmerTokenizer>()) {
    blocks->vocabulary().write(folder / "vocab.txt");
    name = "EsmTokenizer";
  } else if (const auto* merges = tokenizer.as<BpeTokenizer>()) {
    write_tokenizer_json(folder / "tokenizer.json", *merges);
    name = "PreTrainedTokenizerFast";
  } else if (const auto* byte_merges = tokenizer.as<ByteBpeTokenizer>()) {
    write_tokenizer_json(folder / "tokenizer.json", *byte_merges);
    name = "PreTrainedTokenizerFast";
  }
  write_json_file(folder / "tokenizer_config.json", OrderedJson{{"tokenizer_class", name}});
}

}  // namespace ligase_cli
