#include "classifier.hpp"
#include "runs.hpp"

#include <ligase/core/precision.hpp>
#include <ligase/models/caduceus.hpp>

namespace ligase_verify {

void run_caduceus_ph_classifier_fp32(const CaseFolder& folder, Kind kind, Tally& tally) {
  ClassifierCase<BiMamba<None>, fp32>(folder, kind, tally).run();
}

}  // namespace ligase_verify
