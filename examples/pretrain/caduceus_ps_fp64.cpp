#include <pretrain/run.hpp>

template void pretrain::run<ligase::BiMamba<ligase::RCPS>, ligase::cpu, ligase::fp64>(const pretrain::Options&);
