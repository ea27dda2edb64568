#include <ligase/core/parallel.hpp>
#include <ligase/core/tensor.hpp>

int main() {
  auto t = ligase::Tensor<float>::zeros({2, 3});
  ligase::parallel_for(2, t.count(), [&](ligase::Index i) { t.data()[i] = 1; });
  return t.data()[5] == 1 ? 0 : 1;
}
