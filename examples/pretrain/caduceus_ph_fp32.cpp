#include <pretrain/run.hpp>

template void pretrain::run<ligase::BiMamba<ligase::None>, ligase::cpu, ligase::fp32>(const pretrain::Options&);
