#include <ligase/cuda.cuh>

#include <finetune/cnn.hpp>

template ligase_cli::RunOutcome ligase_cli::run_cnn<ligase::cuda>(const ligase_cli::RunJob&);
