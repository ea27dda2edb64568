#include <pretrain/run.hpp>

template void pretrain::run<ligase::Mamba, ligase::cpu, ligase::fp64>(const pretrain::Options&);
