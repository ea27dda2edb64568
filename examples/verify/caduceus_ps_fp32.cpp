#include "language_model.hpp"
#include "runs.hpp"
#include "training.hpp"

namespace ligase_verify {

void run_caduceus_ps_fp32(const CaseFolder& folder, Kind kind, Tally& tally) {
  if (kind == Kind::training)
    verify_training<BiMamba<RCPS>, fp32>(folder, tally);
  else
    LanguageModelCase<BiMamba<RCPS>, fp32>(folder, tally).run();
}

}  // namespace ligase_verify
