#include <pretrain/run.hpp>

template void pretrain::run<ligase::BiMamba<ligase::RCPS>, ligase::fp64>(const pretrain::Options&);
