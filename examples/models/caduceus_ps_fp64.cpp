#include <ligase/core/precision.hpp>
#include <ligase/heads/classification.hpp>
#include <ligase/heads/language_model.hpp>
#include <ligase/models/caduceus.hpp>

template class ligase::LanguageModel<ligase::BiMamba<ligase::RCPS>, ligase::cpu, ligase::fp64>;
template class ligase::SequenceClassifier<ligase::BiMamba<ligase::RCPS>, ligase::cpu, ligase::fp64>;
