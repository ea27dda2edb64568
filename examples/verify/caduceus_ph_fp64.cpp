#include "language_model.hpp"
#include "runs.hpp"
#include "training.hpp"

namespace ligase_verify {

void run_caduceus_ph_fp64(const CaseFolder& folder, Kind kind, Tally& tally) {
  if (kind == Kind::training)
    verify_training<BiMamba<None>, fp64>(folder, tally);
  else
    LanguageModelCase<BiMamba<None>, fp64>(folder, tally).run();
}

}  // namespace ligase_verify
