#pragma once

#include <ligase/core/bfloat16.hpp>

namespace ligase::inline LIGASE_ISA {

/// Number types of a model: what flows on the wire, what weights are stored in, and what norms, step sizes, scan states
/// and sums are computed in.
template <class ActivationType, class WeightType, class StateType>
struct Precision {
  using Activation = ActivationType;
  using Weight = WeightType;
  using State = StateType;
  static_assert(std::is_same_v<Weight, wide_t<Activation>> && std::is_same_v<State, Weight>,
                "weights and states have the type in which activations are summed: float for bfloat16, else the same type");
};

template <class P>
inline constexpr bool is_precision = false;
template <class A, class W, class S>
inline constexpr bool is_precision<Precision<A, W, S>> = true;

using fp32 = Precision<float, float, float>;
using fp64 = Precision<double, double, double>;
/// On `cuda` only.
using bf16 = Precision<bfloat16, float, float>;

}  // namespace ligase::inline LIGASE_ISA
