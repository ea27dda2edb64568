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

#include <charconv>
#include <optional>
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

AnyTokenizer read_merges(const std::filesystem::path& file) {
  BpeDefinition definition = parse_tokenizer_json(read_file(file), file.string());
  if (definition.words == BpeDefinition::Words::byte_level) return ByteBpeTokenizer(std::move(definition), file.string());
  return BpeTokenizer(std::move(definition), file.string());
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
  if (const auto k = kmer_length(name, "kmer:")) return KmerTokenizer(*k);
  if (const auto k = kmer_length(name, "kmer-overlap:")) return OverlappingKmerTokenizer(*k);
  const std::filesystem::path file = name;
  std::error_code ignored;
  if (std::filesystem::is_regular_file(file, ignored)) {
    if (file.extension() == ".txt") return read_vocabulary(file);
    return read_merges(file);
  }
  throw Error{{.kind = ErrorKind::usage,
               .what = "no such tokenizer or file" + did_you_mean(name, {"char", "bytes", "kmer:6", "kmer-overlap:6"}),
               .where = flag,
               .expected = "char, bytes, kmer:K, kmer-overlap:K, or the path of a tokenizer.json or vocab.txt",
               .found = name}};
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
