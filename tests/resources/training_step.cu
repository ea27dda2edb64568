#include <ligase/cuda.cuh>

#include <ligase/core/precision.hpp>
#include <ligase/models/caduceus.hpp>
#include <ligase/train/optimizer.hpp>

// Every kernel of a training step of Caduceus in the precision PRECISION.
namespace ligase {

using Network = LanguageModel<BiMamba<RCPS>, cuda, PRECISION>;

template class LanguageModel<BiMamba<RCPS>, cuda, PRECISION>;
template double gradient_norm<cuda, Network>(Context<cuda>&, Network&);
template void AdamW<float, cuda>::step<Network>(Context<cuda>&, Network&, double, double);

}  // namespace ligase
