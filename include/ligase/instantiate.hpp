#pragma once

#include <ligase/core/precision.hpp>
#include <ligase/heads/classification.hpp>
#include <ligase/heads/language_model.hpp>
#include <ligase/models/caduceus.hpp>
#include <ligase/models/mamba.hpp>

/// For programs of several translation units: the usual models are compiled in one of them (`template class
/// LanguageModel<...>`, `template class SequenceClassifier<...>`), and the others, which include this header, only link to
/// it. Those of `cuda`, where the target ligase::cuda is linked, are compiled by nvcc: so files of any compiler run models on
/// a GPU.
namespace ligase::inline LIGASE_ISA {

extern template class LanguageModel<BiMamba<RCPS>, cpu, fp32>;
extern template class LanguageModel<BiMamba<RCPS>, cpu, fp64>;
extern template class LanguageModel<BiMamba<None>, cpu, fp32>;
extern template class LanguageModel<BiMamba<None>, cpu, fp64>;
extern template class LanguageModel<Mamba, cpu, fp32>;
extern template class LanguageModel<Mamba, cpu, fp64>;
extern template class SequenceClassifier<BiMamba<RCPS>, cpu, fp32>;
extern template class SequenceClassifier<BiMamba<RCPS>, cpu, fp64>;
extern template class SequenceClassifier<BiMamba<None>, cpu, fp32>;
extern template class SequenceClassifier<BiMamba<None>, cpu, fp64>;
extern template class SequenceClassifier<Mamba, cpu, fp32>;
extern template class SequenceClassifier<Mamba, cpu, fp64>;
#if defined(LIGASE_WITH_CUDA)
extern template class LanguageModel<BiMamba<RCPS>, cuda, fp32>;
extern template class LanguageModel<BiMamba<RCPS>, cuda, bf16>;
extern template class LanguageModel<BiMamba<None>, cuda, fp32>;
extern template class LanguageModel<BiMamba<None>, cuda, bf16>;
extern template class LanguageModel<Mamba, cuda, fp32>;
extern template class LanguageModel<Mamba, cuda, bf16>;
#endif

}  // namespace ligase::inline LIGASE_ISA
