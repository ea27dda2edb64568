#include "backbone.hpp"
#include "runs.hpp"

namespace ligase_verify {

void verify_language_model(const CaseFolder& folder, Kind kind, Tally& tally) {
  const Json json = read_config_json(folder);
  const bool in_double = tally.in_double();
  Run* run = in_double ? run_mamba_fp64 : run_mamba_fp32;
  if (names_caduceus(json)) {
    run = in_double ? run_caduceus_ph_fp64 : run_caduceus_ph_fp32;
    if (field_or(json, "rcps", false, (folder.path / "config.json").string()))
      run = in_double ? run_caduceus_ps_fp64 : run_caduceus_ps_fp32;
  }
  run(folder, kind, tally);
}

}  // namespace ligase_verify
