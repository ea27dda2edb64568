// tokenizers_ids DATA TEXTS.json: for every text of the list the ids that the library gives, as JSON on standard
// output, one list per tokenizer. DATA holds dnabert2, gpt2, dnabert and nucleotide_transformer. For tokenizers_hf.py.
#include <ligase/io/json.hpp>
#include <ligase/seq/tokenizer/bpe.hpp>
#include <ligase/seq/tokenizer/bpe_json.hpp>
#include <ligase/seq/tokenizer/byte_bpe.hpp>
#include <ligase/seq/tokenizer/kmer.hpp>
#include <ligase/seq/tokenizer/kmer_overlap.hpp>

#include <cstdio>

namespace {

using namespace ligase;

template <class T>
OrderedJson all_ids(const T& tokenizer, const std::vector<std::string>& texts) {
  OrderedJson lists = OrderedJson::array();
  for (const std::string& text : texts) lists.push_back(encode_with(tokenizer, text, {.add_special_tokens = true}).ids);
  return lists;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 3) throw Error{{.kind = ErrorKind::usage, .what = "tokenizers_ids DATA TEXTS.json"}};
    const std::filesystem::path data = argv[1];
    const auto texts = detail::convert_json<std::vector<std::string>>(parse_json_file(argv[2]), std::string(argv[2]));
    OrderedJson result;
    const BpeTokenizer bpe = read_bpe_tokenizer(data / "dnabert2/tokenizer.json");
    result["dnabert2"] = all_ids(bpe, texts);
    OrderedJson& spans = result["dnabert2_spans"] = OrderedJson::array();
    for (const std::string& text : texts) {
      OrderedJson one = OrderedJson::array();
      for (const auto [begin, end] : bpe.encode_spans(text).spans) one.push_back(OrderedJson::array({begin, end}));
      spans.push_back(std::move(one));
    }
    result["gpt2"] = all_ids(read_gpt2_tokenizer(data / "gpt2/encoder.json", data / "gpt2/vocab.bpe"), texts);
    for (const std::string version : {"v1", "v2"})
      result["nt_" + version] = all_ids(
          KmerTokenizer(Vocabulary::read(data / "nucleotide_transformer" / ("vocab_" + version + ".txt"))), texts);
    for (const std::string k : {"3", "4", "5", "6"})
      result["dnabert_k" + k] =
          all_ids(OverlappingKmerTokenizer(Vocabulary::read(data / "dnabert" / ("vocab_k" + k + ".txt"))), texts);
    std::puts(result.dump().c_str());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
