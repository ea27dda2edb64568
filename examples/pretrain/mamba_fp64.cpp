#include <pretrain/run.hpp>

template void pretrain::run<ligase::Mamba, ligase::fp64>(const pretrain::Options&);
