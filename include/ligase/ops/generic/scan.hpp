#pragma once

#include <ligase/core/math.hpp>
#include <ligase/ops/generic/silu.hpp>
#include <ligase/ops/generic/sum_rows.hpp>
#include <ligase/ops/scan_types.hpp>

namespace ligase::inline LIGASE_ISA::generic {

/// Step size of a token, and its derivative by delta.
template <class T>
LIGASE_HD T scan_step(T delta, bool softplus) {
  return softplus ? math::softplus(delta) : delta;
}
template <class T>
LIGASE_HD T scan_step_slope(T delta, bool softplus) {
  return softplus && delta <= T(20) ? math::sigmoid(delta) : T(1);
}

/// One channel of one sequence, walked from start to end.
template <Direction dir, class T>
struct ScanForward {
  scan_detail::View<T> in;
  T* y;
  wide_t<T>* state;
  wide_t<T>* saved;
  LIGASE_HD void operator()(Index row) const {
    using W = wide_t<T>;
    const Index b = row / in.channels, e = row % in.channels, states = in.states;
    const W* a = in.A + e * states;
    const W bias = in.delta_bias ? in.delta_bias[e] : W(0), skip = in.D ? in.D[e] : W(0);
    W* h = state + row * states;
    for (Index n = 0; n < states; ++n) h[n] = in.initial_state ? in.initial_state[row * states + n] : W(0);
    for (Index step = 0; step < in.length; ++step) {
      if (saved && step % scan_detail::block_steps == 0)
        for (Index n = 0; n < states; ++n)
          saved[in.kept(b, step / scan_detail::block_steps, e / 16) + n * 16 + e % 16] = h[n];
      const Index token = b * in.length + token_at(dir, step, in.length), i = token * in.channels + e;
      const T *B = in.bc + token * 2 * states, *C = B + states;
      const W u = in.u[i], dt = scan_step<W>(in.delta[i] + bias, in.softplus), x = dt * u;
      W sum = skip * u;
      for (Index n = 0; n < states; ++n) {
        h[n] = math::exp(dt * a[n]) * h[n] + x * B[n];
        sum += h[n] * C[n];
      }
      y[i] = in.z ? sum * silu_value(W(in.z[i])) : sum;
    }
  }
};

/// One slab of channels of one sequence: for every channel, blocks from the last to the first; states of a block are
/// recomputed from the kept one.
template <Direction dir, class T>
struct ScanBackward {
  scan_detail::View<T> in;
  const T* dy;
  const wide_t<T>* dfinal;
  const wide_t<T>* saved;
  wide_t<T>* work;      // [rows, 65, N]: states of a block, the kept one first
  T *du, *ddelta, *dz;  // [B, L, E]
  wide_t<T>* dbc;       // [slabs, B, L, 2 N]
  wide_t<T>* adjoint;   // [B, E, N]
  wide_t<T>* dA;        // [B, E, N]
  wide_t<T>* dD;        // [B, E]
  wide_t<T>* dbias;     // [B, E]
  LIGASE_HD void operator()(Index row) const {
    const Index slab = row / in.batch, b = row % in.batch, first = slab * scan_detail::slab_channels;
    const Index end =
        first + scan_detail::slab_channels < in.channels ? first + scan_detail::slab_channels : in.channels;
    for (Index e = first; e < end; ++e) channel(row, slab, b, e, e == first);
  }
  LIGASE_HD void channel(Index row, Index slab, Index b, Index e, bool overwrite) const {
    using W = wide_t<T>;
    const Index states = in.states, be = b * in.channels + e;
    const W* a = in.A + e * states;
    const W bias = in.delta_bias ? in.delta_bias[e] : W(0), skip = in.D ? in.D[e] : W(0);
    W *h = work + row * (scan_detail::block_steps + 1) * states, *adj = adjoint + be * states,
      *sum_a = dA + be * states;
    W sum_skip = W(0), sum_bias = W(0);
    for (Index n = 0; n < states; ++n) {
      adj[n] = dfinal ? dfinal[be * states + n] : W(0);
      sum_a[n] = W(0);
    }
    for (Index block = in.blocks() - 1; block >= 0; --block) {
      const Index begin = block * scan_detail::block_steps;
      const Index count = in.length - begin < scan_detail::block_steps ? in.length - begin : scan_detail::block_steps;
      for (Index n = 0; n < states; ++n) h[n] = saved[in.kept(b, block, e / 16) + n * 16 + e % 16];
      for (Index k = 0; k < count; ++k) {
        const Index token = b * in.length + token_at(dir, begin + k, in.length), i = token * in.channels + e;
        const T* B = in.bc + token * 2 * states;
        const W u = in.u[i], dt = scan_step<W>(in.delta[i] + bias, in.softplus), x = dt * u;
        for (Index n = 0; n < states; ++n)
          h[(k + 1) * states + n] = math::exp(dt * a[n]) * h[k * states + n] + x * B[n];
      }
      for (Index k = count - 1; k >= 0; --k) {
        const Index token = b * in.length + token_at(dir, begin + k, in.length), i = token * in.channels + e;
        const T *B = in.bc + token * 2 * states, *C = B + states;
        const W *before = h + k * states, *after = before + states;
        W *dB = dbc + (slab * in.batch * in.length + token) * 2 * states, *dC = dB + states;
        const W u = in.u[i], delta = in.delta[i] + bias, dt = scan_step(delta, in.softplus), x = dt * u;
        W g = dy[i];
        if (in.z) {
          W sum = skip * u;
          for (Index n = 0; n < states; ++n) sum += after[n] * C[n];
          dz[i] = g * sum * silu_slope(W(in.z[i]));
          g *= silu_value(W(in.z[i]));
        }
        W by_x = W(0), by_dt = W(0);
        for (Index n = 0; n < states; ++n) {
          adj[n] += g * C[n];
          dB[n] = adj[n] * x + (overwrite ? W(0) : dB[n]);
          dC[n] = g * after[n] + (overwrite ? W(0) : dC[n]);
          by_x += adj[n] * B[n];
          adj[n] *= math::exp(dt * a[n]);
          const W by_exponent = adj[n] * before[n];
          by_dt += by_exponent * a[n];
          sum_a[n] += by_exponent * dt;
        }
        du[i] = g * skip + by_x * dt;
        const W by_delta = (by_dt + by_x * u) * scan_step_slope(delta, in.softplus);
        ddelta[i] = by_delta;
        sum_skip += g * u;
        sum_bias += by_delta;
      }
    }
    dD[be] = sum_skip;
    dbias[be] = sum_bias;
  }
};

/// sum[i] = the sum over parts of partial[part, i].
template <class T>
struct SumParts {
  const wide_t<T>* partial;
  Index parts, count;
  T* sum;
  LIGASE_HD void operator()(Index i) const {
    wide_t<T> s = partial[i];
    for (Index p = 1; p < parts; ++p) s += partial[p * count + i];
    sum[i] = s;
  }
};

template <Direction dir, Device D, class T>
void selective_scan_forward(Context<D>& context, const ScanInput<T, D>& input, const ScanWeights<T, D>& weights,
                            Tensor<T, D>& y, Tensor<wide_t<T>, D>& final_state, ScanSaved<T, D>& saved) {
  const auto in = scan_detail::view(input, weights);
  for_rows(context, in.batch * in.channels, ScanForward<dir, T>{in, y.data(), final_state.data(), saved.states.data()});
}

template <Direction dir, Device D, class T>
void selective_scan_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<wide_t<T>, D>& dfinal_state,
                             const ScanInput<T, D>& input, const ScanWeights<T, D>& weights,
                             const ScanSaved<T, D>& saved, ScanGradients<T, D>& gradients) {
  const auto in = scan_detail::view(input, weights);
  const Index rows = in.batch * in.slabs();
  Tensor<wide_t<T>, D> work({rows, scan_detail::block_steps + 1, in.states});
  Tensor<wide_t<T>, D> dbc({in.slabs(), gradients.bc.count()});
  Tensor<wide_t<T>, D> adjoint({in.batch, in.channels, in.states}), dA(adjoint.shape()), dD({in.batch, in.channels}),
      dbias(dD.shape());
  if (!gradients.initial_state.empty()) adjoint = gradients.initial_state;
  for_rows(context, rows,
           ScanBackward<dir, T>{in, dy.data(), dfinal_state.data(), saved.states.data(), work.data(),
                                gradients.u.data(), gradients.delta.data(), gradients.z.data(), dbc.data(),
                                adjoint.data(), dA.data(), dD.data(), dbias.data()});
  for_each(context, gradients.bc.count(),
           SumParts<T>{dbc.data(), in.slabs(), gradients.bc.count(), gradients.bc.data()});
  if (!gradients.A.empty()) add_tiles(context, dA, gradients.A);
  if (!gradients.D.empty()) add_tiles(context, dD, gradients.D);
  if (!gradients.delta_bias.empty()) add_tiles(context, dbias, gradients.delta_bias);
}

}  // namespace ligase::inline LIGASE_ISA::generic
