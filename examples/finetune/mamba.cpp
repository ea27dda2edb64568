#include <finetune/pooled.hpp>

#include <ligase/models/mamba.hpp>

namespace ligase_cli {

RunOutcome run_mamba(const RunJob& job) { return run_pooled<ligase::Mamba>(job); }

}  // namespace ligase_cli
