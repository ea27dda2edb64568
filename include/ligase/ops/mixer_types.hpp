#pragma once

#include <ligase/ops/scan_types.hpp>

#include <array>

namespace ligase::inline LIGASE_ISA {

/// Weights between in_proj and gate of a Mamba mixer, in one direction of time, for activations of type T; or their
/// gradients.
template <class T, Device V>
struct MixerCore {
  Tensor<wide_t<T>, V> conv;       ///< [E, 1, K]; empty: the mixer does not walk in this direction
  Tensor<wide_t<T>, V> conv_bias;  ///< [E], or empty
  Tensor<wide_t<T>, V> x_proj;     ///< [R + 2 N, E]
  Tensor<wide_t<T>, V> dt_proj;    ///< [E, R]
  ScanWeights<T, V> scan;
};

/// Weights of a Mamba mixer that walks in one or both directions; or their gradients, empty where not wanted.
template <class T, Device V>
struct MixerWeights {
  Tensor<wide_t<T>, V> in, in_bias;     ///< [2 E, D], [2 E] or empty
  Tensor<wide_t<T>, V> out, out_bias;   ///< [D, E], [D] or empty
  std::array<MixerCore<T, V>, 2> core;  ///< forward, reverse
};

/// What the backward pass needs. Each device fills in what its kernels do not compute again.
template <class T, Device V>
struct MixerSaved {
  Tensor<T, V> h;                              ///< [B, L, D], the input
  Tensor<T, V> xz;                             ///< [B, L, 2 E]
  Tensor<T, V> y;                              ///< [B, L, E], sum of the directions before the gate
  std::array<Tensor<T, V>, 2> dbc;             ///< [B, L, R + 2 N], dt | B | C of each direction; on `cuda`
  std::array<Tensor<wide_t<T>, V>, 2> states;  ///< as ScanSaved's
};

}  // namespace ligase::inline LIGASE_ISA
