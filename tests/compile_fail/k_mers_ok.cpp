#include <ligase/ligase.hpp>
#include <ligase/seq/tokenizer/kmer.hpp>

ligase::Model<ligase::Mamba, ligase::KmerTokenizer> model({.d_model = 8, .n_layer = 1}, /*seed=*/1);
