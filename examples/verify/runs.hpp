#pragma once

#include "cases.hpp"

namespace ligase_verify {

using Run = void(const CaseFolder& folder, Kind kind, Tally& tally);

// One backbone, device and precision each, compiled in a file of their own: run_model.hpp, run_classifier.hpp and
// run_operation.hpp hold what they instantiate.
template <class Backbone, class D, class P>
void run_model(const CaseFolder& folder, Kind kind, Tally& tally);
template <class Backbone, class D, class P>
void run_classifier(const CaseFolder& folder, Kind kind, Tally& tally);
template <class D, class P>
void run_operation(const CaseFolder& folder, Kind kind, Tally& tally);

}  // namespace ligase_verify
