// What most users write: one model in float. It is compiled with the headers in hidden/ in front of all others, which stop
// the compiler where ligase.hpp reaches for HTSlib, zlib, cxxopts, doctest, <iostream> or <regex>.
#include <ligase/ligase.hpp>

#include <cmath>

int main(int argc, char** argv) {
  using Caduceus = ligase::Model<ligase::BiMamba<ligase::RCPS>, ligase::CharTokenizer>;
  const Caduceus model = argc > 1 ? Caduceus::load(argv[1]) : Caduceus({.d_model = 16, .n_layer = 1});
  const auto logits = model.logits("ACGTNACGT");
  const auto hidden = model.embed("ACGTNACGT");
  return std::isfinite(logits.data()[0]) && std::isfinite(hidden.data()[0]) ? 0 : 1;
}
