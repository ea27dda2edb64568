#pragma once

#include "classifier.hpp"
#include "runs.hpp"

#include <ligase/core/precision.hpp>
#include <ligase/models/caduceus.hpp>

namespace ligase_verify {

/// caduceus_classifier or caduceus_finetuning.
template <class Backbone, class D, class P>
void run_classifier(const CaseFolder& folder, Kind kind, Tally& tally) {
  ClassifierCase<Backbone, D, P>(folder, kind, tally).run();
}

}  // namespace ligase_verify
