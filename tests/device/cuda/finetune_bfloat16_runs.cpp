#include <ligase/cuda.cuh>

#include <device/cuda/finetune.hpp>

ligase_test::Finetuned ligase_test::finetuned_on_cuda_in_bfloat16(Tuned what) {
  return finetune_caduceus<ligase::RCPS, ligase::cuda, ligase::bf16>(what == Tuned::ps_head, ligase::Conjoin::none, false);
}
