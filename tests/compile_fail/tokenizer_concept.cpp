// expect: TokenwiseComplement
// A tokenizer without complements (BPE) cannot feed what needs the other strand's tokens.
#include <ligase/seq/tokenizer/tokenizer.hpp>

struct Merges {
  std::vector<ligase::TokenId> encode(std::string_view) const { return {}; }
  ligase::Encoding encode_spans(std::string_view) const { return {}; }
  std::string decode(std::span<const ligase::TokenId>) const { return {}; }
  std::vector<ligase::TokenId> prefix() const { return {}; }
  std::vector<ligase::TokenId> suffix() const { return {}; }
  std::int64_t vocab_size() const { return 4096; }
  std::string name() const { return "bpe"; }
};
static_assert(ligase::Tokenizer<Merges>);

int main() {
  const std::vector<ligase::TokenId> ids;
  return static_cast<int>(ligase::reverse_complement(Merges{}, ids).size());
}
