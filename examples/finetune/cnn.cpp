#include <finetune/cnn.hpp>

template ligase_cli::RunOutcome ligase_cli::run_cnn<ligase::cpu>(const ligase_cli::RunJob&);
