// expect: the host computes in fp32 or fp64; bf16 is for cuda
#include <ligase/ligase.hpp>

ligase::Model<ligase::Mamba, ligase::CharTokenizer, ligase::cpu, ligase::bf16> model({.d_model = 8, .n_layer = 1});
