#pragma once

#include <ligase/ops/cuda/conv1d.cuh>
#include <ligase/ops/cuda/scan_windows.cuh>
#include <ligase/ops/generic/linear.hpp>
#include <ligase/ops/mixer_types.hpp>

#include <vector>

/// What the mixer's passes on `cuda` share: sequences, directions and the arguments of the kernels that serve both directions at
/// once.
namespace ligase::inline LIGASE_ISA::device::mixer_cuda {

/// The sequences of a batch, as kernels see them.
struct SequenceList {
  Tensor<kernels::Sequence, cuda> listed;
  kernels::Sequences view;
  Index blocks = 0, longest = 0;

  /// B rows of L, or packed ones; of two strands the second row's sequences come in the opposite order. Packed ones are copied
  /// to the device, so a graph that is recorded has those of the recording.
  SequenceList(const Context<cuda>& context, Index batch, Index length) : view{nullptr, batch, length} {
    if (!context.offsets) {
      blocks = batch * kernels::blocks_of(length, kernels::kept_steps);
      longest = batch > 0 ? length : 0;
      return;
    }
    std::vector<kernels::Sequence> all;
    const auto add = [&](Index first, Index tokens) {
      all.push_back({first, tokens, blocks});
      blocks += kernels::blocks_of(tokens, kernels::kept_steps);
      longest = std::max(longest, tokens);
    };
    const std::vector<Index>& offsets = *context.offsets;
    for (std::size_t i = 1; i < offsets.size(); ++i) add(offsets[i - 1], offsets[i] - offsets[i - 1]);
    if (batch == 2)
      for (std::size_t i = offsets.size() - 1; i > 0; --i) add(2 * length - offsets[i], offsets[i] - offsets[i - 1]);
    view.count = static_cast<Index>(all.size());
    listed = Tensor<kernels::Sequence, cuda>::from({view.count}, all);
    view.listed = listed.data();
  }
};

/// A direction that the mixer walks in.
template <class T>
struct Walk {
  Direction direction;
  std::size_t index;  ///< in MixerWeights::core
  const MixerCore<T, cuda>* weights;
};

template <class T>
struct Plan {
  SequenceList sequences;
  std::vector<Walk<T>> walks;
  Index batch, length, channels, taps = 0, rank = 0, states = 0;

  Plan(const Context<cuda>& context, const Tensor<T, cuda>& h, const MixerWeights<T, cuda>& w)
      : sequences(context, h.size(0), h.size(1)), batch(h.size(0)), length(h.size(1)), channels(w.out.size(1)) {
    for (std::size_t i = 0; i < 2; ++i) {
      const MixerCore<T, cuda>& core = w.core[i];
      if (core.conv.empty()) continue;
      if (walks.empty()) {
        taps = core.conv.size(2);
        rank = core.dt_proj.size(1);
        states = core.scan.A.size(1);
      }
      check_shape("fused_mixer A of the other direction", {channels, states}, core.scan.A.shape());
      check_shape("fused_mixer dt_proj of the other direction", {channels, rank}, core.dt_proj.shape());
      check_shape("fused_mixer conv1d of the other direction", {channels, 1, taps}, core.conv.shape());
      walks.push_back({i == 0 ? Direction::forward : Direction::reverse, i, &core});
    }
  }

  Index width() const { return rank + 2 * states; }
  Shape inner() const { return {batch, length, channels}; }
  int runs() const { return static_cast<int>(walks.size()); }

  kernels::ConvSizes conv_sizes() const {
    return {.sequences = sequences.view,
            .channels = channels,
            .taps = taps,
            .x_stride = 2 * channels,
            .runs = runs(),
            .activated = true};
  }
  static kernels::ConvRun<T> conv_run(const Walk<T>& walk) {
    return {walk.direction, walk.weights->conv.data(), walk.weights->conv_bias.data()};
  }
  /// u = silu(conv(x)) in the walks' directions. x: first half of rows of xz.
  void convolve(const Tensor<T, cuda>& xz, T* first, T* second) const {
    kernels::ConvForwardArguments<T> a{.sizes = conv_sizes(), .run = {}, .x = xz.data(), .y = {first, second}};
    for (std::size_t i = 0; i < walks.size(); ++i) a.run[i] = conv_run(walks[i]);
    conv_cuda::forward(a, sequences.blocks);
  }
  /// The same in the direction of walk i alone.
  void convolve_one(const Tensor<T, cuda>& xz, std::size_t i, T* u) const {
    kernels::ConvForwardArguments<T> a{.sizes = conv_sizes(), .run = {}, .x = xz.data(), .y = {u}};
    a.sizes.runs = 1;
    a.run[0] = conv_run(walks[i]);
    conv_cuda::forward(a, sequences.blocks);
  }

  kernels::ScanSizes scan_sizes() const {
    return {.sequences = sequences.view,
            .channels = channels,
            .states = states,
            .rank = rank,
            .softplus = walks.front().weights->scan.softplus,
            .runs = runs(),
            .access = 1,
            .dbc_access = 1};
  }
  /// Of walk i; u is read, y written where it is not null.
  kernels::ScanRun<T> scan_run(std::size_t i, const T* u, const Tensor<T, cuda>& delta, const Tensor<T, cuda>& dbc,
                               wide_t<T>* kept, T* y) const {
    const MixerCore<T, cuda>& w = *walks[i].weights;
    return {walks[i].direction,
            u,
            delta.data(),
            dbc.data(),
            w.dt_proj.data(),
            w.scan.A.data(),
            w.scan.D.data(),
            w.scan.delta_bias.data(),
            nullptr,
            nullptr,
            kept,
            y};
  }
};

/// to[row, to_column + j] (+)= from[row, from_column + j], `columns` of them.
template <class From, class To, bool Add>
struct MoveColumns {
  const From* from;
  Index from_width;
  To* to;
  Index to_width, columns;
  LIGASE_HD void operator()(Index i) const {
    const Index row = i / columns, j = i % columns;
    To& value = to[row * to_width + j];
    const From& other = from[row * from_width + j];
    value = Add ? static_cast<To>(value + other) : static_cast<To>(other);
  }
};

/// Step sizes before bias and softplus, [B, L, E], where the rank is beyond the kernels'; else none.
template <class T>
Tensor<T, cuda> project_steps(Context<cuda>& context, const Plan<T>& plan, std::size_t i, const Tensor<T, cuda>& dbc) {
  if (plan.rank <= kernels::most_rank) return {};
  Tensor<T, cuda> dt({plan.batch, plan.length, plan.rank}), delta(plan.inner());
  for_each(context, dt.count(), MoveColumns<T, T, false>{dbc.data(), plan.width(), dt.data(), plan.rank, plan.rank});
  gemm_nt(context, plan.length, dt, generic::as<T>(context, plan.walks[i].weights->dt_proj), delta);
  return delta;
}

}  // namespace ligase::inline LIGASE_ISA::device::mixer_cuda
