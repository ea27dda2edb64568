// expect: this layer does not accept what the previous one in seq(...) produces
#include <ligase/core/precision.hpp>
#include <ligase/nn/linear.hpp>
#include <ligase/nn/pieces.hpp>

using namespace ligase;

void run(Context<>& context, Linear<cpu, fp32>& linear, Tensor<float> x) {
  auto layers = seq(branch, linear);
  decltype(layers)::Saved<Tensor<float>> saved;
  layers.forward(context, x, saved);
}
