#include <ligase/cuda.cuh>

template class ligase::LanguageModel<ligase::Mamba, ligase::cuda, ligase::fp32>;
