#include <finetune/pooled.hpp>

#include <ligase/models/caduceus.hpp>

namespace ligase_cli {

RunOutcome run_caduceus_ph(const RunJob& job) { return run_pooled<ligase::BiMamba<ligase::None>>(job); }

}  // namespace ligase_cli
