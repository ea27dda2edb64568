// expect: the fourth argument of Model is a Precision: fp32, fp64 or bf16
#include <ligase/ligase.hpp>

ligase::Model<ligase::Mamba, ligase::CharTokenizer, ligase::cpu, float> model({.d_model = 8, .n_layer = 1});
