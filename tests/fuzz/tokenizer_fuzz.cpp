// clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude tests/fuzz/tokenizer_fuzz.cpp -o tokenizer_fuzz
#include <ligase/io/json.hpp>
#include <ligase/seq/tokenizer/bpe.hpp>
#include <ligase/seq/tokenizer/bpe_json.hpp>
#include <ligase/seq/tokenizer/bpe_json_write.hpp>
#include <ligase/seq/tokenizer/byte_bpe.hpp>

#include <cstdlib>

namespace {

using namespace ligase;

void check(bool holds) {
  if (!holds) std::abort();
}

/// Ids that exist, spans in order inside the text, ids again from what was written.
template <class T>
void use(const T& tokenizer, const std::string& text) {
  const T again(parse_tokenizer_json(compose_tokenizer_json(tokenizer.definition()), "again"), "again");
  const Encoding e = tokenizer.encode_spans(text);
  check(e.ids.size() == e.spans.size());
  Index end = 0;
  for (std::size_t i = 0; i < e.ids.size(); ++i) {
    check(e.ids[i] >= 0 && e.ids[i] < tokenizer.vocab_size());
    check(e.spans[i].begin >= end && e.spans[i].end > e.spans[i].begin);
    end = e.spans[i].end;
  }
  check(end <= static_cast<Index>(text.size()));
  check(tokenizer.encode(text) == e.ids);
  check(again.encode(text) == e.ids);
  check(again.prefix() == tokenizer.prefix() && again.suffix() == tokenizer.suffix());
  tokenizer.decode(e.ids);
}

template <class F>
void refused_or_fine(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    check(e.kind() == ErrorKind::input);
  }
}

}  // namespace

/// The bytes as a tokenizer.json, and, cut at the first zero byte, as GPT-2's two files. Each gives an Error of kind
/// `input` or a tokenizer that encodes the tail of the bytes and a little DNA.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const std::string text = "ACGTNacgt AC-G [UNK][CLS]T " + bytes.substr(size - std::min<std::size_t>(size, 64));
  refused_or_fine([&] {
    BpeDefinition d = parse_tokenizer_json(bytes, "fuzz");
    d.newer_format = true;  // the older one cannot write tokens with spaces
    if (d.words == BpeDefinition::Words::byte_level)
      use(ByteBpeTokenizer(std::move(d), "fuzz"), text);
    else
      use(BpeTokenizer(std::move(d), "fuzz"), text);
  });
  refused_or_fine([&] {
    const std::size_t cut = std::min(bytes.find('\0'), size);
    BpeDefinition d = parse_gpt2(std::string_view(bytes).substr(0, cut),
                                 std::string_view(bytes).substr(std::min(cut + 1, size)), "encoder", "merges");
    // All bytes, so that few of them are needed in the input.
    for (int b = 0; b < 256; ++b) {
      const std::string letter = detail::printable_of_bytes(std::string(1, static_cast<char>(b)));
      bool known = false;
      for (const BpeToken& token : d.vocabulary) known = known || token.text == letter;
      if (!known) d.vocabulary.push_back({1'000'000 + b, letter});
    }
    d.newer_format = true;
    const ByteBpeTokenizer tokenizer(std::move(d), "fuzz");
    use(tokenizer, text);
    check(tokenizer.decode(tokenizer.encode(text)) == text);
  });
  return 0;
}
