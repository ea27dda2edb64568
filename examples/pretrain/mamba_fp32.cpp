#include <pretrain/run.hpp>

template void pretrain::run<ligase::Mamba, ligase::fp32>(const pretrain::Options&);
