#include "run_operation.hpp"

template void ligase_verify::run_operation<ligase::cpu, ligase::fp64>(
    const ligase_verify::CaseFolder&, ligase_verify::Kind, ligase_verify::Tally&);
