#pragma once

#include "cases.hpp"

namespace ligase_verify {

// One backbone and precision each, compiled in a file of their own.
using Run = void(const CaseFolder& folder, Kind kind, Tally& tally);

Run run_mamba_fp32, run_mamba_fp64;
Run run_caduceus_ph_fp32, run_caduceus_ph_fp64;
Run run_caduceus_ps_fp32, run_caduceus_ps_fp64;
Run run_caduceus_ph_classifier_fp32, run_caduceus_ph_classifier_fp64;
Run run_caduceus_ps_classifier_fp32, run_caduceus_ps_classifier_fp64;

}  // namespace ligase_verify
