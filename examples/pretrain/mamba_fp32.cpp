#include <pretrain/run.hpp>

template void pretrain::run<ligase::Mamba, ligase::cpu, ligase::fp32>(const pretrain::Options&);
