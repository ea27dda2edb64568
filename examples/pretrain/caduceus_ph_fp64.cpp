#include <pretrain/run.hpp>

template void pretrain::run<ligase::BiMamba<ligase::None>, ligase::fp64>(const pretrain::Options&);
