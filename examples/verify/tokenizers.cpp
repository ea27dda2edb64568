#include "cases.hpp"

#include <ligase/io/json.hpp>
#include <ligase/seq/tokenizer/bpe.hpp>
#include <ligase/seq/tokenizer/bpe_json.hpp>
#include <ligase/seq/tokenizer/bpe_train.hpp>
#include <ligase/seq/tokenizer/byte.hpp>
#include <ligase/seq/tokenizer/byte_bpe.hpp>
#include <ligase/seq/tokenizer/char.hpp>
#include <ligase/seq/tokenizer/kmer.hpp>
#include <ligase/seq/tokenizer/kmer_overlap.hpp>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>

namespace ligase_verify {

using namespace ligase;
namespace fs = std::filesystem;

namespace {

using Ids = std::vector<TokenId>;
using Texts = std::vector<std::string>;

std::string text(const Ids& ids) {
  std::string s = "[";
  for (std::size_t i = 0; i < ids.size(); ++i) s += (i ? ", " : "") + std::to_string(ids[i]);
  return s + "]";
}
std::string text(const Texts& texts) {
  std::string s = "[";
  for (std::size_t i = 0; i < texts.size(); ++i) s += (i ? ", " : "") + texts[i];
  return s + "]";
}
template <class T>
void compare(const std::string& name, const T& expected, const T& found, Tally& tally) {
  tally.agree(name, expected == found, text(expected), text(found));
}

/// N of a field named `prefix`N.
std::optional<Index> number_behind(std::string_view field, std::string_view prefix) {
  if (!field.starts_with(prefix)) return std::nullopt;
  field.remove_prefix(prefix.size());
  Index number = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), number);
  if (error != std::errc() || end != field.data() + field.size()) return std::nullopt;
  return number;
}

/// The first folder that holds data/tokenizers above the case, or what the user names.
std::optional<fs::path> vocabulary_folder(const CaseFolder& folder) {
  const auto inside = [](const fs::path& base) -> std::optional<fs::path> {
    for (const fs::path& candidate : {base, base / "tokenizers", base / "data/tokenizers"})
      if (fs::is_directory(candidate / "dnabert2") || fs::is_directory(candidate / "gpt2")) return candidate;
    return std::nullopt;
  };
  if (!folder.data.empty()) return inside(folder.data);
  for (fs::path above = fs::canonical(folder.path); above.has_relative_path(); above = above.parent_path())
    if (fs::is_directory(above / "data/tokenizers")) return above / "data/tokenizers";
  if (const char* data = std::getenv("LIGASE_DATA"); data != nullptr && *data != '\0') return inside(data);
  return std::nullopt;
}

/// One file of rows: every field of a row but `known` ones is a result, which compare(row, field, name) judges; false where
/// it does not know the field.
template <class Compare>
void each_result(const fs::path& file, const std::set<std::string>& known, Tally& tally, Compare&& compare_field) {
  const Json json = parse_json_file(file);
  const std::string where = file.string(), stem = file.stem().string();
  for (auto item = json.begin(); item != json.end(); ++item)
    if (item.key() != "source" && item.key() != "rows")
      tally.failure(stem + ": verify does not understand the field \"" + item.key() + "\"");
  const auto rows = require<std::vector<Json>>(json, "rows", where);
  if (rows.empty()) tally.failure(stem + ": there are no rows");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string row = stem + ".rows[" + std::to_string(i) + "]";
    require<std::string>(rows[i], "seq", where + ": " + row);
    std::size_t results = 0;
    for (auto item = rows[i].begin(); item != rows[i].end(); ++item) {
      if (item.key() == "seq" || known.contains(item.key())) continue;
      ++results;
      if (!compare_field(rows[i], item.key(), row + "." + item.key()))
        tally.failure(row + ": verify does not understand the field \"" + item.key() + "\"");
    }
    if (results == 0) tally.failure(row + " holds no result");
  }
}

std::string sequence(const Json& row) { return require<std::string>(row, "seq", "row"); }

template <class T>
Ids with_specials(const T& tokenizer, const std::string& sequence, std::optional<Index> length = {}, bool pad = false) {
  return encode_with(tokenizer, sequence, {.max_length = length, .pad = pad, .add_special_tokens = true}).ids;
}

void verify_char(const fs::path& file, Tally& tally) {
  const CharTokenizer training(CharTokenizer::hyenadna_rules()), standalone(CharTokenizer::standalone_rules());
  each_result(file, {}, tally, [&](const Json& row, const std::string& field, const std::string& name) {
    const auto check = [&](const Ids& found) {
      compare(name, require<Ids>(row, field, name), found, tally);
      return true;
    };
    if (field == "no_special") return check(training.encode(sequence(row)));
    if (field == "training") return check(with_specials(training, sequence(row)));
    if (field == "standalone") return check(with_specials(standalone, sequence(row)));
    if (const auto n = number_behind(field, "training_padded_"))
      return check(with_specials(training, sequence(row), *n, true));
    if (const auto n = number_behind(field, "standalone_padded_"))
      return check(with_specials(standalone, sequence(row), *n, true));
    return false;
  });
}

void verify_overlapping(const fs::path& file, const std::optional<fs::path>& data, Tally& tally) {
  std::map<int, OverlappingKmerTokenizer> tokenizers;
  each_result(file, {"k"}, tally, [&](const Json& row, const std::string& field, const std::string& name) {
    const int k = require<int>(row, "k", name);
    if (!tokenizers.contains(k)) {
      const fs::path vocabulary = data ? *data / "dnabert" / ("vocab_k" + std::to_string(k) + ".txt") : fs::path();
      tokenizers.emplace(k, data && fs::exists(vocabulary) ? OverlappingKmerTokenizer(Vocabulary::read(vocabulary))
                                                           : OverlappingKmerTokenizer(k));
    }
    const OverlappingKmerTokenizer& tokenizer = tokenizers.at(k);
    const std::string letters = sequence(row);
    if (field == "kmers") {
      Texts found;
      for (const auto [begin, end] : tokenizer.encode_spans(letters).spans)
        found.push_back(letters.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
      if (found.size() == 1 && letters.size() < static_cast<std::size_t>(k)) found.clear();
      compare(name, require<Texts>(row, field, name), found, tally);
      return true;
    }
    const auto length = number_behind(field, "ids_trunc");
    if (field != "ids" && !length) return false;
    compare(name, require<Ids>(row, field, name), with_specials(tokenizer, letters, length), tally);
    return true;
  });
}

/// Fields v1_tokens, v1_ids (null where the class raises), v1_error, hf_v1_ids, and the same of v2.
void verify_side_by_side(const fs::path& file, const std::optional<fs::path>& data, Tally& tally) {
  const auto make = [&](KmerTokenizer::Version version, bool refuse) {
    const KmerTokenizer::Rules rules{.refuse_other = refuse};
    const char* const name = version == KmerTokenizer::Version::v1 ? "vocab_v1.txt" : "vocab_v2.txt";
    const fs::path vocabulary = data ? *data / "nucleotide_transformer" / name : fs::path();
    return data && fs::exists(vocabulary) ? KmerTokenizer(Vocabulary::read(vocabulary), rules)
                                          : KmerTokenizer(6, version, rules);
  };
  const auto version_1 = KmerTokenizer::Version::v1, version_2 = KmerTokenizer::Version::v2;
  const std::map<std::string, KmerTokenizer> tokenizers{{"v1_", make(version_1, true)},
                                                        {"v2_", make(version_2, true)},
                                                        {"hf_v1_", make(version_1, false)},
                                                        {"hf_v2_", make(version_2, false)}};
  each_result(file, {}, tally, [&](const Json& row, const std::string& field, const std::string& name) {
    const auto cut = field.rfind('_') + 1;
    const auto place = tokenizers.find(field.substr(0, cut));
    if (place == tokenizers.end()) return false;
    const std::string result = field.substr(cut);
    const KmerTokenizer& tokenizer = place->second;
    if (result == "error" || (result == "ids" && row.at(field).is_null())) {
      std::string found = "no error";
      try {
        found = text(tokenizer.encode(sequence(row)));
      } catch (const Error&) {
        found = "refused";
      }
      tally.agree(name, found == "refused", "refused", found);
      return true;
    }
    if (result != "ids" && result != "tokens") return false;
    const Ids ids = with_specials(tokenizer, sequence(row));
    if (result == "ids") {
      compare(name, require<Ids>(row, field, name), ids, tally);
      return true;
    }
    Texts tokens;
    for (const TokenId id : ids) tokens.emplace_back(tokenizer.vocabulary()[id]);
    compare(name, require<Texts>(row, field, name), tokens, tally);
    return true;
  });
}

void verify_bytes(const fs::path& file, Tally& tally) {
  each_result(file, {}, tally, [&](const Json& row, const std::string& field, const std::string& name) {
    if (field != "ids") return false;
    compare(name, require<Ids>(row, field, name), ByteTokenizer().encode(sequence(row)), tally);
    return true;
  });
}

const fs::path& needed(const std::optional<fs::path>& data) {
  if (!data)
    throw Error{{.kind = ErrorKind::input,
                 .what = "the vocabulary files were not found",
                 .expected = "data/tokenizers above the case, --data DIR or LIGASE_DATA"}};
  return *data;
}

void verify_bpe(const fs::path& file, const std::optional<fs::path>& data, Tally& tally) {
  const BpeTokenizer tokenizer = read_bpe_tokenizer(needed(data) / "dnabert2/tokenizer.json");
  each_result(file, {}, tally, [&](const Json& row, const std::string& field, const std::string& name) {
    if (field == "ids") {
      compare(name, require<Ids>(row, field, name), with_specials(tokenizer, sequence(row)), tally);
      return true;
    }
    if (field != "tokens") return false;
    Texts tokens;
    for (const TokenId id : tokenizer.encode(sequence(row))) tokens.push_back(tokenizer.token(id));
    compare(name, require<Texts>(row, field, name), tokens, tally);
    return true;
  });
}

void verify_byte_bpe(const fs::path& file, const std::optional<fs::path>& data, Tally& tally) {
  const fs::path folder = needed(data) / "gpt2";
  const ByteBpeTokenizer tokenizer = read_gpt2_tokenizer(folder / "encoder.json", folder / "vocab.bpe");
  each_result(file, {}, tally, [&](const Json& row, const std::string& field, const std::string& name) {
    const Ids ids = tokenizer.encode(sequence(row));
    if (field == "ids") {
      compare(name, require<Ids>(row, field, name), ids, tally);
      tally.agree(name + " decoded", tokenizer.decode(ids) == sequence(row), sequence(row), tokenizer.decode(ids));
      return true;
    }
    if (field != "tokens") return false;
    Texts tokens;
    for (const TokenId id : ids) tokens.push_back(detail::printable_of_bytes(tokenizer.token(id)));
    compare(name, require<Texts>(row, field, name), tokens, tally);
    return true;
  });
}

void verify_training_case(const Json& one, const std::string& name, const std::set<std::string>& inputs, Tally& tally) {
  BpeWordCounts words;
  if (one.contains("word_counts"))
    for (const auto& [word, count] : require<std::map<std::string, std::int64_t>>(one, "word_counts", name))
      words[word] += count;
  for (const std::string& sequence : field_or(one, "sequences", Texts(), name)) count_words(sequence, words);
  const BpeTrainingOptions options{.vocab_size = require<Index>(one, "vocab_size", name),
                                   .min_frequency = field_or(one, "min_frequency", std::int64_t{0}, name),
                                   .special_tokens = field_or(one, "special_tokens", Texts(), name),
                                   .max_token_length = optional_field<Index>(one, "max_token_length", name)};
  const BpeDefinition found = train_bpe(words, options);
  Texts vocabulary, merges;
  for (const BpeToken& token : found.vocabulary) vocabulary.push_back(token.text);
  for (const BpeMerge& merge : found.merges) merges.push_back(merge.first + " " + merge.second);
  std::size_t results = 0;
  for (auto item = one.begin(); item != one.end(); ++item) {
    const std::string& field = item.key();
    if (inputs.contains(field)) continue;
    ++results;
    if (field == "vocab_in_id_order") {
      compare(name + "." + field, require<Texts>(one, field, name), vocabulary, tally);
    } else if (field == "merges") {
      Texts expected;
      for (const Texts& merge : require<std::vector<Texts>>(one, field, name))
        expected.push_back(merge.size() == 2 ? merge[0] + " " + merge[1] : "not a pair");
      compare(name + "." + field, expected, merges, tally);
    } else if (field == "merges_that_rebuilt_an_existing_token") {
      // Each merge that makes no new token leaves the vocabulary as it is.
      std::size_t singles = 0;
      for (const std::string& token : vocabulary) singles += detail::first_character(token).bytes == token.size();
      std::set<std::string> specials(options.special_tokens.begin(), options.special_tokens.end());
      for (const std::string& token : specials) singles += detail::first_character(token).bytes != token.size();
      const auto rebuilt = static_cast<Index>(merges.size() + singles) - static_cast<Index>(vocabulary.size());
      const auto expected = require<Index>(one, field, name);
      tally.agree(name + "." + field, expected == rebuilt, std::to_string(expected), std::to_string(rebuilt));
    } else {
      tally.failure(name + ": verify does not understand the field \"" + field + "\"");
    }
  }
  if (results == 0) tally.failure(name + " holds no result");
}

void verify_bpe_training(const fs::path& file, Tally& tally) {
  const Json json = parse_json_file(file);
  const std::set<std::string> inputs{"word_counts",   "sequences",      "vocab_size",
                                     "min_frequency", "special_tokens", "max_token_length"};
  std::size_t count = 0;
  for (auto item = json.begin(); item != json.end(); ++item) {
    if (item.key() == "source") continue;
    if (item.key() == "unit_test_example") {
      verify_training_case(item.value(), "bpe_training.unit_test_example", inputs, tally);
      ++count;
    } else if (item.key() == "cases") {
      for (const Json& one : require<std::vector<Json>>(json, "cases", file.string()))
        verify_training_case(one, "bpe_training.cases[" + std::to_string(count++) + "]", inputs, tally);
    } else {
      tally.failure("bpe_training: verify does not understand the field \"" + item.key() + "\"");
    }
  }
  if (count == 0) tally.failure("bpe_training holds no case");
}

}  // namespace

void verify_tokenizers(const CaseFolder& folder, Tally& tally) {
  const std::optional<fs::path> data = vocabulary_folder(folder);
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder.path))
    if (!entry.is_directory() && !entry.path().filename().string().starts_with("README")) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    const std::string name = file.filename().string();
    try {
      if (name == "char_hyenadna.json")
        verify_char(file, tally);
      else if (name == "dnabert_kmer.json")
        verify_overlapping(file, data, tally);
      else if (name == "nucleotide_transformer_6mer.json")
        verify_side_by_side(file, data, tally);
      else if (name == "dnabert2_bpe.json")
        verify_bpe(file, data, tally);
      else if (name == "gpt2_bpe.json")
        verify_byte_bpe(file, data, tally);
      else if (name == "evo_bytes.json")
        verify_bytes(file, tally);
      else if (name == "bpe_training.json")
        verify_bpe_training(file, tally);
      else
        tally.failure(name + ": verify does not understand this file");
    } catch (const Error& error) {
      tally.failure(name + ": " + error.what());
    }
  }
}

}  // namespace ligase_verify
