#pragma once

#include "cnn.hpp"
#include "conv_and_norms.hpp"
#include "runs.hpp"
#include "selective_scan.hpp"

namespace ligase_verify {

/// selective_scan, conv_and_norms or cnn.
template <class D, class P>
void run_operation(const CaseFolder& folder, Kind kind, Tally& tally) {
  if (kind == Kind::selective_scan) return verify_scan<D, P>(folder, tally);
  if (kind == Kind::conv_and_norms) return verify_conv_and_norms<D, P>(folder, tally);
  if constexpr (!std::is_same_v<P, bf16>) verify_cnn<D, P>(folder, tally);
}

}  // namespace ligase_verify
