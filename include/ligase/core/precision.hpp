#pragma once

#include <ligase/core/platform.hpp>

namespace ligase::inline LIGASE_ISA {

/// Number types of a model: what flows on the wire, what weights are stored in, and what norms, step sizes, scan states
/// and sums are computed in.
template <class ActivationType, class WeightType, class StateType>
struct Precision {
  using Activation = ActivationType;
  using Weight = WeightType;
  using State = StateType;
};

using fp32 = Precision<float, float, float>;
using fp64 = Precision<double, double, double>;

}  // namespace ligase::inline LIGASE_ISA
