#include "run_classifier.hpp"

template void ligase_verify::run_classifier<ligase::BiMamba<ligase::None>, ligase::cpu, ligase::fp64>(
    const ligase_verify::CaseFolder&, ligase_verify::Kind, ligase_verify::Tally&);
