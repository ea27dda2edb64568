#include "run_model.hpp"

template void ligase_verify::run_model<ligase::BiMamba<ligase::RCPS>, ligase::cpu, ligase::fp64>(
    const ligase_verify::CaseFolder&, ligase_verify::Kind, ligase_verify::Tally&);
