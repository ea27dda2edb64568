#include <ligase/cuda.cuh>

#include <ligase/core/precision.hpp>
#include <ligase/models/caduceus.hpp>
#include <ligase/train/optimizer.hpp>

// Every kernel of a training step of Caduceus in bfloat16.
namespace ligase {

using Network = LanguageModel<BiMamba<RCPS>, cuda, bf16>;

template class LanguageModel<BiMamba<RCPS>, cuda, bf16>;
template double gradient_norm<cuda, Network>(Context<cuda>&, Network&);
template void AdamW<float, cuda>::step<Network>(Context<cuda>&, Network&, double, double);

}  // namespace ligase
