#pragma once

#include <ligase/core/precision.hpp>
#include <ligase/heads/language_model.hpp>
#include <ligase/models/caduceus.hpp>
#include <ligase/models/mamba.hpp>

/// For programs of several translation units: the usual models are compiled in one of them (`template class
/// LanguageModel<...>`), and the others, which include this header, only link to it.
namespace ligase::inline LIGASE_ISA {

extern template class LanguageModel<BiMamba<RCPS>, cpu, fp32>;
extern template class LanguageModel<BiMamba<RCPS>, cpu, fp64>;
extern template class LanguageModel<BiMamba<None>, cpu, fp32>;
extern template class LanguageModel<BiMamba<None>, cpu, fp64>;
extern template class LanguageModel<Mamba, cpu, fp32>;
extern template class LanguageModel<Mamba, cpu, fp64>;

}  // namespace ligase::inline LIGASE_ISA
