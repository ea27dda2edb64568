#include "runs.hpp"

#include <ligase/core/device.hpp>
#include <ligase/core/precision.hpp>

namespace ligase_verify {

using namespace ligase;

void verify_operation(const CaseFolder& folder, Kind kind, Tally& tally) {
#if defined(LIGASE_WITH_CUDA)
  if (folder.on_gpu)
    return tally.arithmetic() == Arithmetic::bf16 ? run_operation<cuda, bf16>(folder, kind, tally)
                                                  : run_operation<cuda, fp32>(folder, kind, tally);
#endif
  tally.in_double() ? run_operation<cpu, fp64>(folder, kind, tally) : run_operation<cpu, fp32>(folder, kind, tally);
}

}  // namespace ligase_verify
