// expect: RCPS needs a tokenizer whose reverse complement is an operation on tokens
#include <ligase/ligase.hpp>
#include <ligase/seq/tokenizer/kmer.hpp>

ligase::Model<ligase::BiMamba<ligase::RCPS>, ligase::KmerTokenizer>* model = nullptr;
auto config = model->config();
