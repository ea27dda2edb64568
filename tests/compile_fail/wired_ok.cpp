#include <ligase/core/precision.hpp>
#include <ligase/nn/linear.hpp>
#include <ligase/nn/pieces.hpp>

using namespace ligase;

void run(Context<>& context, Linear<cpu, fp32>& linear, Tensor<float> x) {
  auto layers = seq(branch, par(linear, identity), add);
  decltype(layers)::Saved<Tensor<float>> saved;
  layers.forward(context, x, saved);
}
