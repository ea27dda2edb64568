#pragma once

#include "language_model.hpp"
#include "runs.hpp"
#include "training.hpp"

namespace ligase_verify {

/// A language model: mamba, caduceus or training.
template <class Backbone, class D, class P>
void run_model(const CaseFolder& folder, Kind kind, Tally& tally) {
  if (kind == Kind::training)
    verify_training<Backbone, D, P>(folder, tally);
  else
    LanguageModelCase<Backbone, D, P>(folder, tally).run();
}

}  // namespace ligase_verify
