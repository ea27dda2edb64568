#pragma once

#include <ligase/ops/cpu/mixer_backward.hpp>
#include <ligase/ops/cpu/mixer_forward.hpp>
#include <ligase/ops/generic/linear.hpp>

#include <type_traits>
#include <vector>

namespace ligase::inline LIGASE_ISA::generic {

/// A mixer as one operation is a device's own; without it these say that the device has no kernels.
template <Device D, class T>
void fused_mixer_forward(Context<D>& context, const Tensor<T, D>&, const MixerWeights<T, D>&, MixerSaved<T, D>&,
                         Tensor<T, D>&) {
  generic::for_each(context, 0, 0);
}
template <Device D, class T>
void fused_mixer_backward(Context<D>& context, const Tensor<T, D>&, const MixerWeights<T, D>&, MixerSaved<T, D>&,
                          Tensor<T, D>&, Tensor<T, D>&, MixerWeights<T, D>&) {
  generic::for_each(context, 0, 0);
}

}  // namespace ligase::inline LIGASE_ISA::generic

namespace ligase::inline LIGASE_ISA::ops {

/// Devices for which a mixer is one operation; the others run its plain wiring.
template <Device D>
inline constexpr bool has_fused_mixer = std::is_same_v<D, cpu> || std::is_same_v<D, meta> || std::is_same_v<D, cuda>;

namespace detail {

template <class T, Device D>
void check_mixer(const Shape& h, const MixerWeights<T, D>& w) {
  const Index d = w.out.size(0), e = w.out.size(1);
  if (h.rank() != 3 || h[1] < 1 || h[2] != d)
    throw Error{{.kind = ErrorKind::shape,
                 .what = "fused_mixer: input and weights do not fit",
                 .expected = "[B, L, " + std::to_string(d) + "] with L of at least 1",
                 .found = h.text()}};
  check_shape("fused_mixer in_proj", {2 * e, d}, w.in.shape());
  if (!w.in_bias.empty()) check_shape("fused_mixer bias of in_proj", {2 * e}, w.in_bias.shape());
  if (!w.out_bias.empty()) check_shape("fused_mixer bias of out_proj", {d}, w.out_bias.shape());
  for (const auto& core : w.core) {
    if (core.conv.empty()) continue;
    const Index n = core.scan.A.size(1), rank = core.dt_proj.size(1);
    check_shape("fused_mixer conv1d", {e, 1, core.conv.size(2)}, core.conv.shape());
    if (!core.conv_bias.empty()) check_shape("fused_mixer bias of conv1d", {e}, core.conv_bias.shape());
    check_shape("fused_mixer x_proj", {rank + 2 * n, e}, core.x_proj.shape());
    check_shape("fused_mixer dt_proj", {e, rank}, core.dt_proj.shape());
    check_shape("fused_mixer A", {e, n}, core.scan.A.shape());
    if (!core.scan.D.empty()) check_shape("fused_mixer D", {e}, core.scan.D.shape());
    if (!core.scan.delta_bias.empty()) check_shape("fused_mixer delta_bias", {e}, core.scan.delta_bias.shape());
  }
}

/// Packed sequences must fill one row, or two of two strands.
inline void check_offsets(const std::vector<Index>& offsets, const Shape& h) {
  bool fits = h[0] <= 2 && offsets.size() >= 2 && offsets.front() == 0 && offsets.back() == h[1];
  for (std::size_t i = 1; fits && i < offsets.size(); ++i) fits = offsets[i - 1] < offsets[i];
  if (!fits)
    throw Error{{.kind = ErrorKind::shape,
                 .what = "offsets of packed sequences do not fit " + h.text(),
                 .expected = "rising from 0 to the length of one row, or of one row and its other strand"}};
}

/// Blocks of kept states of all rows.
inline Index kept_blocks(const std::vector<Index>& offsets, Index rows) {
  Index blocks = 0;
  for (std::size_t i = 1; i < offsets.size(); ++i)
    blocks += (offsets[i] - offsets[i - 1] + scan_detail::block_steps - 1) / scan_detail::block_steps;
  return rows * blocks;
}

/// Sequences whose work space is held at a time when nothing is kept: about 2^28 numbers, at least one sequence. On `cuda`,
/// which has to be filled, 2^30, at least two sequences.
template <Device D>
Index mixer_group(const Shape& h, Index inner) {
  constexpr bool large = std::is_same_v<D, cuda>;
  constexpr Index most = Index{1} << (large ? 30 : 28), least = large ? 2 : 1;
  return std::min(std::max<Index>(1, h[0]), std::max(least, most / ((large ? 4 : 3) * inner * h[1])));
}

}  // namespace detail

/// Mamba-1 mixer as one operation: x | z = W_in h;  y = sum over its directions of scan(silu(conv(x)));
/// out = W_out (y silu(z)), with the projections x_proj and dt_proj in between as `MambaCore` wires them.
/// h, out: [B, L, D]. Equal to the plain wiring up to rounding. Beside xz and y [B, L, 3 E] it needs work space of some tiles
/// of 64 tokens per thread; without `saved`, that is of as many sequences at a time as 2^28 numbers hold.
/// `cuda` has no tiles of its own: its work space is u and dt | B | C of both directions, ops/cuda/mixer.cuh.
/// Packed sequences (context.offsets) are as far apart as if each ran alone.
/// Gu & Dao 2023; mamba_ssm/modules/mamba_simple.py, and BiMambaWrapper of caduceus (modeling_caduceus.py).
template <Device D, class T>
Tensor<T, D> fused_mixer(Context<D>& context, const Tensor<T, D>& h, const MixerWeights<T, D>& weights,
                         std::type_identity_t<MixerSaved<T, D>>* saved = nullptr) {
  detail::check_mixer(h.shape(), weights);
  const Index batch = h.size(0), length = h.size(1), e = weights.out.size(1);
  if (context.offsets) detail::check_offsets(*context.offsets, h.shape());
  const Index group = saved || context.offsets ? std::max<Index>(1, batch) : detail::mixer_group<D>(h.shape(), e);
  Tensor<T, D> out(h.shape());
  for (Index b = 0; b < batch; b += group) {
    const Index end = std::min(batch, b + group);
    MixerSaved<T, D> kept;
    kept.xz = Tensor<T, D>({end - b, length, 2 * e});
    kept.y = Tensor<T, D>({end - b, length, e});
    if (saved) {
      kept.h = h;
      for (std::size_t i = 0; i < 2; ++i)
        if (!weights.core[i].conv.empty()) {
          Shape states = scan_detail::kept_shape(kept.y.shape(), weights.core[i].scan.A.size(1));
          if (context.offsets)
            states = {1, detail::kept_blocks(*context.offsets, batch), states[2], states[3], states[4]};
          kept.states[i] = Tensor<wide_t<T>, D>(states);
        }
    }
    Tensor<T, D> part = out.slice(b, end);
    using generic::fused_mixer_forward;
    if constexpr (D::holds_data) fused_mixer_forward(context, h.slice(b, end), weights, kept, part);
    if (saved) *saved = kept;
  }
  return out;
}

/// dh (=); gradients of weights (+=) where they are not empty. Uses up `saved`. Sums over sequences and tiles are taken in an
/// order that depends on shapes alone.
template <Device D, class T>
Tensor<T, D> fused_mixer_backward(Context<D>& context, const Tensor<T, D>& dout, const MixerWeights<T, D>& weights,
                                  MixerSaved<T, D>& saved, MixerWeights<T, D>& gradients) {
  check_shape("fused_mixer_backward dout", saved.h.shape(), dout.shape());
  Tensor<T, D> gated(saved.y.shape()), dh;
  using generic::fused_mixer_backward;
  if constexpr (D::holds_data)
    fused_mixer_backward(context, dout, weights, saved, gated, dh, gradients);
  else
    dh = Tensor<T, D>(saved.h.shape());
  saved = {};
  return dh;
}

}  // namespace ligase::inline LIGASE_ISA::ops
