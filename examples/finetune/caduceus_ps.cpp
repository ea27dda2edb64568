#include <finetune/pooled.hpp>

#include <ligase/models/caduceus.hpp>

namespace ligase_cli {

RunOutcome run_caduceus_ps(const RunJob& job) { return run_pooled<ligase::BiMamba<ligase::RCPS>>(job); }

}  // namespace ligase_cli
