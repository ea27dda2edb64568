#include <finetune/pooled.hpp>

#include <ligase/models/mamba.hpp>

template ligase_cli::RunOutcome ligase_cli::run_pooled<ligase::Mamba, ligase::cpu, ligase::fp32>(
    const ligase_cli::RunJob&);
