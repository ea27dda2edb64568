#include <ligase/core/precision.hpp>
#include <ligase/heads/classification.hpp>
#include <ligase/heads/language_model.hpp>
#include <ligase/models/mamba.hpp>

template class ligase::LanguageModel<ligase::Mamba, ligase::cpu, ligase::fp32>;
template class ligase::SequenceClassifier<ligase::Mamba, ligase::cpu, ligase::fp32>;
