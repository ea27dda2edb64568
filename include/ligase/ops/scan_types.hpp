#pragma once

#include <ligase/core/bfloat16.hpp>
#include <ligase/core/tensor.hpp>
#include <ligase/ops/direction.hpp>

namespace ligase::inline LIGASE_ISA {

/// What a selective scan reads along the tokens, and the state that it starts from.
template <class T, Device V>
struct ScanInput {
  Tensor<T, V> u;                      ///< [B, L, E]
  Tensor<T, V> delta;                  ///< [B, L, E], step size before bias and softplus
  Tensor<T, V> bc;                     ///< [B, L, 2 N]: B, then C
  Tensor<T, V> z;                      ///< [B, L, E], or empty: no gate
  Tensor<wide_t<T>, V> initial_state;  ///< [B, E, N], or empty: zeros
};

/// Weights of a selective scan over activations of type T.
template <class T, Device V>
struct ScanWeights {
  Tensor<wide_t<T>, V> A;           ///< [E, N], negative
  Tensor<wide_t<T>, V> D;           ///< [E], or empty: no skip
  Tensor<wide_t<T>, V> delta_bias;  ///< [E], or empty: none
  bool softplus = true;             ///< of delta + delta_bias
};

/// What the backward pass needs besides input and weights.
template <class T, Device V>
struct ScanSaved {
  Tensor<wide_t<T>, V> states;  ///< [B, ceil(L / 64), ceil(E / 16), N, 16]: before step 0, 64, 128, ... of the walk
};

/// Gradients of a selective scan. The first five are written (=), `z` and `initial_state` only where the input has them;
/// the others are added to (+=) where they are not empty.
template <class T, Device V>
struct ScanGradients {
  Tensor<T, V> u, delta, bc, z;
  Tensor<wide_t<T>, V> initial_state;
  Tensor<wide_t<T>, V> A, D, delta_bias;
};

namespace scan_detail {

/// Steps between two kept states: N E / 64 numbers per token in memory, and a recomputed block that fits the L2 cache.
inline constexpr Index block_steps = 64;

/// Channels whose contributions to the gradient of B and C are summed before anything else.
inline constexpr Index slab_channels = 128;

/// Plain pointers and sizes of a scan; null where a tensor is empty.
template <class T>
struct View {
  const T *u, *delta, *bc, *z;
  const wide_t<T>*initial_state, *A, *D, *delta_bias;
  bool softplus;
  Index batch, length, channels, states;

  LIGASE_HD Index groups() const { return (channels + 15) / 16; }
  /// Offset of a group's 16 channels of state 0 in ScanSaved::states.
  LIGASE_HD Index kept(Index sequence, Index block, Index group) const {
    return ((sequence * blocks() + block) * groups() + group) * states * 16;
  }
  LIGASE_HD Index blocks() const { return (length + block_steps - 1) / block_steps; }
  LIGASE_HD Index slabs() const { return (channels + slab_channels - 1) / slab_channels; }
};

template <class T, Device V>
View<T> view(const ScanInput<T, V>& in, const ScanWeights<T, V>& w) {
  return {in.u.data(),  in.delta.data(), in.bc.data(),        in.z.data(), in.initial_state.data(),
          w.A.data(),   w.D.data(),      w.delta_bias.data(), w.softplus,  in.u.size(0),
          in.u.size(1), in.u.size(2),    w.A.size(1)};
}

/// Shape of ScanSaved::states.
inline Shape kept_shape(const Shape& u, Index states) {
  return {u[0], (u[1] + block_steps - 1) / block_steps, (u[2] + 15) / 16, states, 16};
}

}  // namespace scan_detail
}  // namespace ligase::inline LIGASE_ISA
