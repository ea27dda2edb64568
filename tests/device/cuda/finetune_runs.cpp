#include <ligase/cuda.cuh>

#include <device/cuda/finetune.hpp>

namespace ligase_test {

Finetuned finetuned_on_cuda(Tuned what) { return finetuned<ligase::cuda>(what); }

bool snapshot_restores_on_cuda() {
  ligase::CnnClassifier<ligase::cuda, ligase::fp32> model(ligase::CnnConfig{.input_len = 60});
  ligase::initialize(model, 1);
  const std::string before = bytes_of_tensors(model);
  ligase::detail::Snapshot<decltype(model)> snapshot;
  snapshot.take(model);
  ligase::initialize(model, 2);
  const bool changed = bytes_of_tensors(model) != before;
  snapshot.restore(model);
  return changed && bytes_of_tensors(model) == before;
}

bool runs_on_gpu() {
#if defined(__NVCC__)
  return true;
#else
  return false;
#endif
}

}  // namespace ligase_test
