#pragma once

#include <ligase/ops/cuda/scan_windows.cuh>
#include <ligase/ops/generic/scan.hpp>

/// The selective scan as an operation of its own: the mixer's kernels with one direction and step sizes from memory.
namespace ligase::inline LIGASE_ISA::device {
namespace scan_cuda {

template <Direction dir, class T>
kernels::ScanForwardArguments<T> plain_arguments(const ScanInput<T, cuda>& in, const ScanWeights<T, cuda>& w, T* y,
                                                 wide_t<T>* final_state, wide_t<T>* kept) {
  kernels::ScanForwardArguments<T> a{
      .sizes = {.sequences = {.listed = nullptr, .count = in.u.size(0), .length = in.u.size(1)},
                .channels = in.u.size(2),
                .states = w.A.size(1),
                .rank = 0,
                .softplus = w.softplus,
                .runs = 1,
                .access = 1,
                .dbc_access = 1},
      .run = {}};
  a.run[0] = {dir,        in.u.data(),         in.delta.data(),         in.bc.data(), nullptr, w.A.data(),
              w.D.data(), w.delta_bias.data(), in.initial_state.data(), final_state,  kept,    y};
  return a;
}

template <class T>
bool reaches(const ScanWeights<T, cuda>& w) {
  return kernels::states_per_lane<wide_t<T>>(w.A.size(1)) > 0;
}

}  // namespace scan_cuda

template <Direction dir, class T>
void selective_scan_forward(Context<cuda>& context, const ScanInput<T, cuda>& input,
                            const ScanWeights<T, cuda>& weights, Tensor<T, cuda>& y,
                            Tensor<wide_t<T>, cuda>& final_state, ScanSaved<T, cuda>& saved) {
  if (!scan_cuda::reaches(weights)) {
    generic::selective_scan_forward<dir>(context, input, weights, y, final_state, saved);
    return;
  }
  scan_cuda::scan_forward(
      scan_cuda::plain_arguments<dir>(input, weights, y.data(), final_state.data(), saved.states.data()));
  if (!input.z.empty()) for_each(context, y.count(), generic::GateForward<T>{y.data(), input.z.data(), y.data()});
}

/// With a gate, y before it is computed again by a scan of its own.
template <Direction dir, class T>
void selective_scan_backward(Context<cuda>& context, const Tensor<T, cuda>& dy,
                             const Tensor<wide_t<T>, cuda>& dfinal_state, const ScanInput<T, cuda>& input,
                             const ScanWeights<T, cuda>& weights, const ScanSaved<T, cuda>& saved,
                             ScanGradients<T, cuda>& gradients) {
  if (!scan_cuda::reaches(weights)) {
    generic::selective_scan_backward<dir>(context, dy, dfinal_state, input, weights, saved, gradients);
    return;
  }
  using W = wide_t<T>;
  Tensor<T, cuda> by_y = dy;
  if (!input.z.empty()) {
    Tensor<T, cuda> y(dy.shape());
    by_y = Tensor<T, cuda>(dy.shape());
    scan_cuda::scan_forward(scan_cuda::plain_arguments<dir, T>(input, weights, y.data(), nullptr, nullptr));
    for_each(context, dy.count(),
             generic::GateBackward<T>{dy.data(), y.data(), input.z.data(), by_y.data(), gradients.z.data()});
  }
  const Shape states{input.u.size(0), input.u.size(2), weights.A.size(1)};
  Tensor<W, cuda> adjoint = gradients.initial_state.empty() ? Tensor<W, cuda>(states) : gradients.initial_state;
  if (dfinal_state.empty())
    adjoint.set_zero();
  else
    copy_within(cuda{}, adjoint.data(), dfinal_state.data(), adjoint.bytes());

  const auto forward =
      scan_cuda::plain_arguments<dir, T>(input, weights, nullptr, nullptr, const_cast<W*>(saved.states.data()));
  kernels::ScanBackwardArguments<T> a{};
  a.sizes = forward.sizes;
  a.run[0] = forward.run[0];
  a.gradient[0] = {by_y.data(), gradients.u.data(), gradients.delta.data(), adjoint.data(), nullptr, nullptr, nullptr};
  scan_cuda::GradientTargets<T> to[2] = {{gradients.bc.data(), gradients.A, gradients.D, gradients.delta_bias}, {}};
  scan_cuda::scan_backward(context, a, input.u.size(1), 2 * a.sizes.states, 0, to);
}

}  // namespace ligase::inline LIGASE_ISA::device
