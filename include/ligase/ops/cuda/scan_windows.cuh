#pragma once

#include <ligase/ops/cuda/scan_backward.cuh>
#include <ligase/ops/cuda/sums.cuh>

/// Launches of the backward scan: groups of sequences and windows of steps, so that the parts of dB and dC fit a budget.
namespace ligase::inline LIGASE_ISA::device::scan_cuda {

/// Sequences and steps of one launch.
struct Windows {
  Index group, steps;

  /// `per_step`: numbers of parts per step of one sequence; `blocks`: blocks per sequence. At least two blocks for every
  /// multiprocessor, then windows of up to 4,096 steps come before more sequences.
  static Windows of(Index sequences, Index longest, Index per_step, Index blocks, Index budget) {
    constexpr Index enough = 2 * 132, usual = 4096;
    const Index fill = kernels::blocks_of(enough, blocks);
    const Index group =
        std::clamp<Index>(budget / (per_step * std::min(longest, usual)), std::min(fill, sequences), sequences);
    const Index steps = budget / (per_step * group) / kernels::kept_steps * kernels::kept_steps;
    return {group, std::clamp<Index>(steps, kernels::kept_steps, round_up(longest, kernels::kept_steps))};
  }
};

/// Where gradients of one direction go: dB and dC into columns of `dbc` (=), those of weights added where not empty.
template <class T>
struct GradientTargets {
  T* dbc;
  Tensor<wide_t<T>, cuda> A, D, delta_bias;
};

/// `a` without parts, windows and sums. dB and dC become columns from `column` on of rows of `width`; they may be those that
/// are read. `longest`: steps of the longest sequence. `budget`: numbers; changes no bits of du, ddelta, dB, dC and the adjoint.
template <class T>
void scan_backward(Context<cuda>& context, kernels::ScanBackwardArguments<T> a, Index longest, Index width,
                   Index column, GradientTargets<T> (&to)[2], Index budget = Index{1} << 25) {
  using W = wide_t<T>;
  const kernels::ScanSizes& sizes = a.sizes;
  const Index sequences = sizes.sequences.count;
  if (sequences == 0) return;
  set_access(a.sizes, a.run);
  for (int i = 0; i < sizes.runs; ++i)
    a.sizes.access = std::min(
        a.sizes.access, kernels::quad_access(sizes.channels, a.gradient[i].dy, a.gradient[i].du, a.gradient[i].ddelta));
  with_states_per_lane<W>(kernels::states_per_lane<W>(sizes.states), [&](auto s) {
    using Traits = kernels::ScanTraits<T, s(), 32>;
    using Shared = kernels::ScanBackwardShared<Traits>;
    static_assert(sizeof(Shared) <= 25 * 1024 * sizeof(W));
    const Index tiles = kernels::blocks_of(sizes.channels, Traits::channels), row = 2 * Traits::padded;
    const Windows w = Windows::of(sequences, longest, tiles * row * sizes.runs, tiles * sizes.runs, budget);
    const Index windows = kernels::blocks_of(longest, w.steps);

    Tensor<W, cuda> parts({w.group, sizes.runs, tiles, w.steps, row});
    Tensor<W, cuda> dA[2], dD[2], dbias[2];
    for (int i = 0; i < sizes.runs; ++i) {
      dA[i] = Tensor<W, cuda>({windows * sequences, sizes.channels * sizes.states});
      dD[i] = Tensor<W, cuda>({windows * sequences, sizes.channels});
      dbias[i] = Tensor<W, cuda>(dD[i].shape());
      a.gradient[i].dA = dA[i].data();
      a.gradient[i].dD = dD[i].data();
      a.gradient[i].dbias = dbias[i].data();
    }
    a.dbc_parts = parts.data();
    a.window_steps = w.steps;
    kernels::SumScanParts<T> sum{.sizes = sizes,
                                 .first_sequence = 0,
                                 .group = 0,
                                 .window_begin = 0,
                                 .window_steps = w.steps,
                                 .tiles = tiles,
                                 .padded = Traits::padded,
                                 .parts = parts.data(),
                                 .dbc = {to[0].dbc, to[1].dbc},
                                 .width = width,
                                 .column = column,
                                 .direction = {a.run[0].direction, a.run[1].direction}};
    for (Index first = 0; first < sequences; first += w.group)
      for (Index window = windows - 1; window >= 0; --window) {
        a.first_sequence = sum.first_sequence = first;
        a.group = sum.group = std::min(w.group, sequences - first);
        a.window_begin = sum.window_begin = window * w.steps;
        a.part = window * sequences + first;
        launch({.blocks = a.group * sizes.runs * tiles,
                .threads = 2 * kernels::role_threads,
                .shared_bytes = static_cast<Index>(sizeof(Shared))},
               kernels::scan_backward<Traits>, a);
        launch({.blocks = kernels::blocks_of(a.group * sizes.runs * w.steps * row, kernels::role_threads),
                .threads = kernels::role_threads},
               kernels::sum_scan_parts<T>, sum);
      }
    for (int i = 0; i < sizes.runs; ++i) {
      if (!to[i].A.empty()) sum_rows_add(context, dA[i], to[i].A);
      if (!to[i].D.empty()) sum_rows_add(context, dD[i], to[i].D);
      if (!to[i].delta_bias.empty()) sum_rows_add(context, dbias[i], to[i].delta_bias);
    }
  });
}

}  // namespace ligase::inline LIGASE_ISA::device::scan_cuda
