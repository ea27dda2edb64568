#pragma once

#include <ligase/ops/conv1d.hpp>
#include <ligase/ops/cpu/scan.hpp>
#include <ligase/ops/generic/scan.hpp>
#include <ligase/ops/scan_types.hpp>

#include <type_traits>

namespace ligase::inline LIGASE_ISA::ops {

namespace detail {
template <class T, Device D>
void check_scan(const ScanInput<T, D>& in, const ScanWeights<T, D>& weights) {
  const Shape &u = in.u.shape(), &a = weights.A.shape();
  if (u.rank() != 3 || u[1] < 1 || a.rank() != 2 || a[0] != u[2] || a[1] < 1)
    throw Error{{.kind = ErrorKind::shape,
                 .what = "selective_scan: u and A do not fit",
                 .expected = "u [B, L, E] with L of at least 1 and A [E, N]",
                 .found = u.text() + " and " + a.text()}};
  check_shape("selective_scan delta", u, in.delta.shape());
  check_shape("selective_scan bc", {u[0], u[1], 2 * a[1]}, in.bc.shape());
  if (!in.z.empty()) check_shape("selective_scan z", u, in.z.shape());
  if (!in.initial_state.empty())
    check_shape("selective_scan initial_state", {u[0], u[2], a[1]}, in.initial_state.shape());
  if (!weights.D.empty()) check_shape("selective_scan D", {u[2]}, weights.D.shape());
  if (!weights.delta_bias.empty()) check_shape("selective_scan delta_bias", {u[2]}, weights.delta_bias.shape());
}

template <class T, Device D>
Tensor<T, D> empty_like(const Tensor<T, D>& x) {
  return x.empty() ? Tensor<T, D>() : Tensor<T, D>(x.shape());
}
}  // namespace detail

/// Selective state-space scan of Mamba with skip and gate.
///   d_t = softplus(delta_t + delta_bias)
///   s_t[n] = exp(d_t A[n]) s_{t-1}[n] + d_t B_t[n] u_t,   s_{-1} = initial_state
///   y_t = (sum_n C_t[n] s_t[n] + D u_t) silu(z_t)
/// for every channel; t walks in direction `dir`. u, delta, z, y: [B, L, E]   bc: [B, L, 2 N]   A: [E, N]   D, delta_bias: [E]
/// `saved`, where given, keeps states for the backward pass; `final_state`, where given, becomes the state after the last
/// step, [B, E, N]. O(B L E N) time, no memory per token but y and, saved, E N / 64 numbers. Steps, states and sums are of type wide_t<T>.
/// Gu & Dao 2023; matches selective_scan_ref of state-spaces/mamba (mamba_ssm/ops/selective_scan_interface.py): Euler's rule
/// for B, softplus is the identity above 20.
template <Direction dir, Device D, class T>
Tensor<T, D> selective_scan(Context<D>& context, const ScanInput<T, D>& input, const ScanWeights<T, D>& weights,
                            std::type_identity_t<ScanSaved<T, D>>* saved = nullptr,
                            std::type_identity_t<Tensor<wide_t<T>, D>>* final_state = nullptr) {
  detail::check_scan(input, weights);
  const Index batch = input.u.size(0), channels = input.u.size(2), states = weights.A.size(1);
  Tensor<T, D> y(input.u.shape());
  Tensor<wide_t<T>, D> last({batch, channels, states});
  ScanSaved<T, D> kept;
  if (saved != nullptr) kept.states = Tensor<wide_t<T>, D>(scan_detail::kept_shape(input.u.shape(), states));
  if constexpr (detail::runs_generic_code<D, T>) {
    generic::selective_scan_forward<dir>(context, input, weights, y, last, kept);
  } else {
    using generic::selective_scan_forward;
    selective_scan_forward<dir>(context, input, weights, y, last, kept);
  }
  if (saved != nullptr) *saved = kept;
  if (final_state != nullptr) *final_state = last;
  return y;
}

/// Gradients for what went into and came out of selective_scan<dir>; `dfinal_state` [B, E, N] may be empty. Recomputes the
/// states block by block: O(B L E N) time, ceil(E / 128) 2 N numbers of scratch per token. Sums over channels and sequences are taken
/// in an order that depends on the shapes alone.
template <Direction dir, Device D, class T>
void selective_scan_backward(Context<D>& context, const Tensor<T, D>& dy,
                             const std::type_identity_t<Tensor<wide_t<T>, D>>& dfinal_state,
                             const ScanInput<T, D>& input, const ScanWeights<T, D>& weights,
                             const ScanSaved<T, D>& saved, ScanGradients<T, D>& gradients) {
  detail::check_scan(input, weights);
  const Shape& u = input.u.shape();
  const Index states = weights.A.size(1);
  check_shape("selective_scan_backward dy", u, dy.shape());
  check_shape("selective_scan_backward saved states", scan_detail::kept_shape(u, states), saved.states.shape());
  if (!dfinal_state.empty())
    check_shape("selective_scan_backward dfinal_state", {u[0], u[2], states}, dfinal_state.shape());
  if (!gradients.A.empty())
    check_shape("selective_scan_backward gradient of A", weights.A.shape(), gradients.A.shape());
  if (!gradients.D.empty())
    check_shape("selective_scan_backward gradient of D", weights.D.shape(), gradients.D.shape());
  if (!gradients.delta_bias.empty())
    check_shape("selective_scan_backward gradient of delta_bias", weights.delta_bias.shape(),
                gradients.delta_bias.shape());
  gradients.u = Tensor<T, D>(u);
  gradients.delta = Tensor<T, D>(u);
  gradients.bc = Tensor<T, D>(input.bc.shape());
  gradients.z = detail::empty_like(input.z);
  gradients.initial_state = detail::empty_like(input.initial_state);
  if constexpr (detail::runs_generic_code<D, T>) {
    generic::selective_scan_backward<dir>(context, dy, dfinal_state, input, weights, saved, gradients);
  } else {
    using generic::selective_scan_backward;
    selective_scan_backward<dir>(context, dy, dfinal_state, input, weights, saved, gradients);
  }
}

}  // namespace ligase::inline LIGASE_ISA::ops
