#include <finetune/pooled.hpp>

#include <ligase/models/caduceus.hpp>

template ligase_cli::RunOutcome ligase_cli::run_pooled<ligase::BiMamba<ligase::None>, ligase::cpu, ligase::fp32>(
    const ligase_cli::RunJob&);
