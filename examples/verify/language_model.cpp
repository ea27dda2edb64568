#include "backbone.hpp"
#include "runs.hpp"

#include <ligase/instantiate.hpp>

namespace ligase_verify {

namespace {

template <class Backbone>
Run* run_of(const CaseFolder& folder, const Tally& tally) {
#if defined(LIGASE_WITH_CUDA)
  if (folder.on_gpu)
    return tally.arithmetic() == Arithmetic::bf16 ? run_model<Backbone, cuda, bf16> : run_model<Backbone, cuda, fp32>;
#endif
  (void)folder;
  return tally.in_double() ? run_model<Backbone, cpu, fp64> : run_model<Backbone, cpu, fp32>;
}

}  // namespace

void verify_language_model(const CaseFolder& folder, Kind kind, Tally& tally) {
  const Json json = read_config_json(folder);
  Run* run = run_of<Mamba>(folder, tally);
  if (names_caduceus(json)) {
    const bool rcps = field_or(json, "rcps", false, (folder.path / "config.json").string());
    run = rcps ? run_of<BiMamba<RCPS>>(folder, tally) : run_of<BiMamba<None>>(folder, tally);
  }
  run(folder, kind, tally);
}

}  // namespace ligase_verify
