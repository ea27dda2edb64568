#include <ligase/ligase.hpp>

int main() {
  using Caduceus = ligase::Model<ligase::BiMamba<ligase::RCPS>, ligase::CharTokenizer>;
  const Caduceus model({.d_model = 16, .n_layer = 1});
  return model.logits("ACGT").shape() == ligase::Shape{1, 4, 16} ? 0 : 1;
}
