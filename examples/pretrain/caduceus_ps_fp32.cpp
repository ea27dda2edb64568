#include <pretrain/run.hpp>

template void pretrain::run<ligase::BiMamba<ligase::RCPS>, ligase::fp32>(const pretrain::Options&);
