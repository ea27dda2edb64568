#include "language_model.hpp"
#include "runs.hpp"
#include "training.hpp"

namespace ligase_verify {

void run_mamba_fp64(const CaseFolder& folder, Kind kind, Tally& tally) {
  if (kind == Kind::training)
    verify_training<Mamba, fp64>(folder, tally);
  else
    LanguageModelCase<Mamba, fp64>(folder, tally).run();
}

}  // namespace ligase_verify
