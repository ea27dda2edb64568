// The control of rcps_kmer.cpp.
#include <ligase/ligase.hpp>
#include <ligase/seq/tokenizer/byte.hpp>
#include <ligase/seq/tokenizer/kmer_overlap.hpp>
#include <ligase/seq/tokenizer/one_hot.hpp>

template <class Tokenizer>
void use(Tokenizer tokenizer) {
  ligase::Model<ligase::BiMamba<ligase::RCPS>, Tokenizer> model({.d_model = 16, .n_layer = 1}, 1, std::move(tokenizer));
  model.logits("ACGTACGT");
}

int main() {
  use(ligase::OverlappingKmerTokenizer(3));
  use(ligase::ByteTokenizer());
  use(ligase::OneHot());
}
