// A user's program: the same model on the CPU and, where there is one, on a GPU.
#include <ligase/ligase.hpp>

#include <cmath>
#include <cstdio>

extern template class ligase::LanguageModel<ligase::Mamba, ligase::cuda, ligase::fp32>;

template <class D>
using Model = ligase::Model<ligase::Mamba, ligase::CharTokenizer, D>;

int main() {
  const char* sequence = "ACGTTGCAGGCATTACCGAT";
  const Model<ligase::cpu> host({.d_model = 16, .n_layer = 2}, /*seed=*/1);
  const auto expected = host.embed(sequence);
  try {
    const Model<ligase::cuda> model({.d_model = 16, .n_layer = 2}, /*seed=*/1);
    const auto found = ligase::to_host(model.embed(sequence));
    double difference = 0;
    for (ligase::Index i = 0; i < expected.count(); ++i)
      difference = std::fmax(difference, std::fabs(static_cast<double>(found.data()[i] - expected.data()[i])));
    std::printf("largest difference between CPU and GPU: %g\n", difference);
    return difference < 1e-4 ? 0 : 1;
  } catch (const ligase::Error& e) {
    std::printf("%s\n", e.what());
    return 77;
  }
}
