#pragma once

#include <ligase/nn/linear.hpp>
#include <ligase/nn/pieces.hpp>
#include <ligase/ops/conv1d.hpp>
#include <ligase/ops/exp.hpp>
#include <ligase/ops/mixer.hpp>
#include <ligase/ops/scan.hpp>

#include <algorithm>

namespace ligase::inline LIGASE_ISA {

/// `ssm_cfg` of a published config.json: the keyword arguments of mamba_ssm's Mamba. Nothing here changes a type.
struct SsmConfig {
  Index d_state = 16;
  Index d_conv = 4;
  Index expand = 2;
  Index dt_rank = 0;  ///< 0: "auto", ceil(d_model / 16)
  double dt_min = 0.001;
  double dt_max = 0.1;
  std::string dt_init = "random";  ///< or "constant"
  double dt_scale = 1.0;
  double dt_init_floor = 1e-4;
  bool conv_bias = true;
  bool bias = false;
  bool use_fast_path = true;  ///< selects a kernel in the original; kept to be written back

  Index rank(Index d_model) const { return dt_rank > 0 ? dt_rank : (d_model + 15) / 16; }
};

/// Causal depthwise convolution with its weights; U(+-1/sqrt(K)) as torch.nn.Conv1d draws them.
template <Direction dir, Device D, class P>
struct CausalConv1d {
  using T = typename P::Activation;
  using X = Tensor<T, D>;
  struct Saved {
    X x;
  };

  CausalConv1d() = default;
  CausalConv1d(Index channels, Index width, bool with_bias)
      : weight({channels, 1, width}, Init::uniform(1 / std::sqrt(static_cast<double>(width)))) {
    if (with_bias) bias = {{channels}, weight.init, false};
  }

  X infer(Context<D>& context, X x) const {
    if (context.offsets)
      throw Error{{.kind = ErrorKind::usage, .what = "packed sequences need the fused mixer, which this device has not"}};
    return ops::causal_conv1d<dir>(context, x, weight.value, bias.value);
  }
  X forward(Context<D>& context, X x, Saved& saved) const {
    saved.x = x;
    return infer(context, std::move(x));
  }
  X backward(Context<D>& context, X dy, Saved& saved) {
    return ops::causal_conv1d_backward<dir>(context, dy, saved.x, weight.value, weight.gradient, bias.gradient);
  }

  Parameter<typename P::Weight, D> weight, bias;
};

/// Selective scan with its weights: (u, (delta, B | C)) -> y, delta before bias and softplus.
template <Direction dir, Device D, class P>
struct SelectiveScan {
  using T = typename P::Activation;
  using X = Tensor<T, D>;
  using W = Tensor<typename P::Weight, D>;
  using Wires = std::pair<X, std::pair<X, X>>;
  struct Saved {
    Wires x;
    ScanSaved<T, D> states;
  };

  SelectiveScan() = default;
  SelectiveScan(Index channels, const SsmConfig& config)
      : A_log({channels, config.d_state}, Init::log_state(), false),
        skip({channels}, Init::constant(1), false),
        delta_bias({channels}, Init::inverse_softplus_step(config.dt_min, config.dt_max, config.dt_init_floor), false) {}

  X infer(Context<D>& context, Wires x) const {
    return ops::selective_scan<dir>(context, input(x), weights(context));
  }
  X forward(Context<D>& context, Wires x, Saved& saved) const {
    saved.x = x;
    return ops::selective_scan<dir>(context, input(x), weights(context), &saved.states);
  }
  Wires backward(Context<D>& context, X dy, Saved& saved) {
    const ScanWeights<T, D> w = weights(context), by_weights = gradients();
    ScanGradients<T, D> g;
    g.A = by_weights.A;
    g.D = by_weights.D;
    g.delta_bias = by_weights.delta_bias;
    ops::selective_scan_backward<dir>(context, dy, W{}, input(saved.x), w, saved.states, g);
    add_gradient_of_A(context, w.A, g.A);
    return {g.u, {g.delta, g.bc}};
  }

  ScanWeights<T, D> weights(Context<D>& context) const {
    return {ops::negative_exp(context, A_log.value), skip.value, delta_bias.value, true};
  }
  /// Where gradients are added; that of A is a zero to begin with.
  ScanWeights<T, D> gradients() {
    return {A_log.trained() ? W::zeros(A_log.value.shape()) : W{}, skip.gradient, delta_bias.gradient, true};
  }
  /// A = -exp(A_log), so that dA_log += dA A.
  void add_gradient_of_A(Context<D>& context, const W& A, const W& dA) {
    if (A_log.trained()) ops::accumulate(context, A_log.gradient, ops::mul(context, dA, A));
  }

  Parameter<typename P::Weight, D> A_log, skip, delta_bias;

 private:
  static ScanInput<T, D> input(const Wires& x) { return {x.first, x.second.first, x.second.second, {}, {}}; }
};

/// The part of the Mamba mixer between in_proj and gate, x -> y, both [B, L, E]:
///   u = silu(conv(x));  dt | B | C = W_x u;  delta = W_dt dt;  y = scan(u, delta, B, C)
/// in one direction of time. Names as in mamba_ssm: conv1d, x_proj, dt_proj, A_log, D.
template <Direction dir, Device D, class P>
struct MambaCore {
  MambaCore() = default;
  MambaCore(Index d_model, const SsmConfig& config)
      : rank(config.rank(d_model)),
        conv1d(config.expand * d_model, config.d_conv, config.conv_bias),
        x_proj(config.expand * d_model, rank + 2 * config.d_state, false),
        dt_proj(rank, config.expand * d_model, false),
        scan(config.expand * d_model, config) {
    const double s = config.dt_scale / std::sqrt(static_cast<double>(rank));
    dt_proj.weight.init = config.dt_init == "constant" ? Init::constant(s) : Init::uniform(s);
  }

  static auto graph(auto& m) {
    return seq(m.conv1d, silu, branch, par(identity, seq(m.x_proj, split(m.rank), par(m.dt_proj, identity))), m.scan);
  }

  Index rank = 0;
  CausalConv1d<dir, D, P> conv1d;
  Linear<D, P> x_proj, dt_proj;
  SelectiveScan<dir, D, P> scan;
};

/// in_proj, cores of one or both directions (null: absent), their sum, gate and out_proj as one operation. The layers named
/// are those of a plain wiring and keep their weights.
template <Device D, class P, class In, class Forward, class Reverse, class Out>
struct FusedMixer {
  using T = typename P::Activation;
  using X = Tensor<T, D>;
  using Saved = MixerSaved<T, D>;

  In* in_proj;
  Forward* forward_core;
  Reverse* reverse_core;
  Out* out_proj;

  X infer(Context<D>& context, X h) const { return ops::fused_mixer(context, h, weights(context)); }
  X forward(Context<D>& context, X h, Saved& saved) const {
    return ops::fused_mixer(context, h, weights(context), &saved);
  }
  X backward(Context<D>& context, X dout, Saved& saved) {
    const MixerWeights<T, D> w = weights(context);
    MixerWeights<T, D> g{in_proj->weight.gradient, in_proj->bias.gradient, out_proj->weight.gradient,
                         out_proj->bias.gradient, {}};
    if (forward_core) g.core[0] = gradients(*forward_core);
    if (reverse_core) g.core[1] = gradients(*reverse_core);
    X dh = ops::fused_mixer_backward(context, dout, w, saved, g);
    if (forward_core) finish(context, *forward_core, w.core[0], g.core[0]);
    if (reverse_core) finish(context, *reverse_core, w.core[1], g.core[1]);
    return dh;
  }

 private:
  MixerWeights<T, D> weights(Context<D>& context) const {
    const auto core = [&](auto& m) -> MixerCore<T, D> {
      return {m.conv1d.weight.value, m.conv1d.bias.value, m.x_proj.weight.value, m.dt_proj.weight.value,
              m.scan.weights(context)};
    };
    MixerWeights<T, D> w{in_proj->weight.value, in_proj->bias.value, out_proj->weight.value, out_proj->bias.value, {}};
    if (forward_core) w.core[0] = core(*forward_core);
    if (reverse_core) w.core[1] = core(*reverse_core);
    return w;
  }
  static MixerCore<T, D> gradients(auto& m) {
    return {m.conv1d.weight.gradient, m.conv1d.bias.gradient, m.x_proj.weight.gradient, m.dt_proj.weight.gradient,
            m.scan.gradients()};
  }
  static void finish(Context<D>& context, auto& m, const MixerCore<T, D>& w, const MixerCore<T, D>& g) {
    m.scan.add_gradient_of_A(context, w.scan.A, g.scan.A);
  }
};

namespace detail {
/// The path of a Mamba mixer through the given layers, fused where the device can; null cores are absent.
template <Device D, class P>
auto fused_path(auto& in_proj, auto* forward_core, auto* reverse_core, auto& out_proj) {
  return FusedMixer<D, P, std::remove_reference_t<decltype(in_proj)>, std::remove_pointer_t<decltype(forward_core)>,
                    std::remove_pointer_t<decltype(reverse_core)>, std::remove_reference_t<decltype(out_proj)>>{
      &in_proj, forward_core, reverse_core, &out_proj};
}

/// Names of one direction, in the original's order; shared projections are aliases.
void visit_mamba(auto& v, auto& core, auto& in_proj, auto& out_proj, bool shared) {
  const auto projection = [&](const char* name, auto& layer) { shared ? v.alias(name, layer) : v(name, layer); };
  v("A_log", core.scan.A_log);
  v("D", core.scan.skip);
  projection("in_proj", in_proj);
  v("conv1d.weight", core.conv1d.weight);
  if (!core.conv1d.bias.value.empty()) v("conv1d.bias", core.conv1d.bias);
  v("x_proj", core.x_proj);
  v("dt_proj.weight", core.dt_proj.weight);
  v("dt_proj.bias", core.scan.delta_bias);
  projection("out_proj", out_proj);
}
}  // namespace detail

/// Mamba-1 mixer (Gu & Dao 2023; mamba_ssm/modules/mamba_simple.py): x | z = W_in h;  out = W_out (core(x) silu(z)).
/// h, out: [B, L, D]
template <Device D, class P>
struct MambaMixer {
  MambaMixer() = default;
  MambaMixer(Index d_model, const SsmConfig& config)
      : inner(config.expand * d_model),
        in_proj(d_model, 2 * inner, config.bias),
        core(d_model, config),
        out_proj(inner, d_model, config.bias) {}

  static auto graph(auto& m) {
    if constexpr (ops::has_fused_mixer<D>)
      return seq(detail::fused_path<D, P>(m.in_proj, &m.core, static_cast<decltype(&m.core)>(nullptr), m.out_proj));
    else
      return plain(m);
  }
  static auto plain(auto& m) { return seq(m.in_proj, split(m.inner), par(m.core, identity), gate, m.out_proj); }
  void visit(auto&& v) { detail::visit_mamba(v, core, in_proj, out_proj, false); }
  void scale_out_projection(double factor) { out_proj.weight.init.a *= factor; }

  Index inner = 0;
  Linear<D, P> in_proj;
  MambaCore<Direction::forward, D, P> core;
  Linear<D, P> out_proj;
};

/// Caduceus' BiMamba wrapper: out = F(h) o R(h), F a Mamba mixer, R one that walks from the last token; o is + or the
/// elementwise product. Tied: R shares in_proj and out_proj with F. Tied and added, the projections act per token and
/// commute with the sum, so they are computed once: out = W_out [(core_F(x) + core_R(x)) silu(z)].
template <Device D, class P>
struct BiMambaMixer {
  struct Options {
    bool bidirectional = true;
    bool tied = true;
    bool multiply = false;
  };

  BiMambaMixer() = default;
  BiMambaMixer(Index d_model, const SsmConfig& config, Options chosen)
      : options(chosen),
        inner(config.expand * d_model),
        in_proj(d_model, 2 * inner, config.bias),
        out_proj(inner, d_model, config.bias),
        forward_core(d_model, config) {
    if (!options.bidirectional) return;
    reverse_core = {d_model, config};
    if (options.tied) return;
    in_proj_reverse = {d_model, 2 * inner, config.bias};
    out_proj_reverse = {inner, d_model, config.bias};
  }

  static auto graph(auto& m) {
    if constexpr (ops::has_fused_mixer<D>) {
      const auto path = [](auto& in, auto* forward, auto* reverse, auto& out) {
        return detail::fused_path<D, P>(in, forward, reverse, out);
      };
      auto* forward = &m.forward_core;
      auto* reverse = &m.reverse_core;
      const auto none = [](auto* core) { return static_cast<decltype(core)>(nullptr); };
      auto apart = seq(branch, par(path(m.in_proj, forward, none(reverse), m.out_proj),
                                   path(in_of_reverse(m), none(forward), reverse, out_of_reverse(m))),
                       either(m.options.multiply, mul, add));
      const bool single = !m.options.bidirectional;
      return either(single || m.commutes(), path(m.in_proj, forward, single ? none(reverse) : reverse, m.out_proj),
                    std::move(apart));
    } else {
      return plain(m);
    }
  }
  static auto plain(auto& m) {
    const auto path = [&m](auto& in, auto& core, auto& out) {
      return seq(in, split(m.inner), par(core, identity), gate, out);
    };
    auto both = seq(m.in_proj, split(m.inner), par(seq(branch, par(m.forward_core, m.reverse_core), add), identity), gate,
                    m.out_proj);
    auto apart = seq(branch,
                     par(path(m.in_proj, m.forward_core, m.out_proj), path(in_of_reverse(m), m.reverse_core, out_of_reverse(m))),
                     either(m.options.multiply, mul, add));
    return either(m.options.bidirectional, either(m.commutes(), std::move(both), std::move(apart)),
                  path(m.in_proj, m.forward_core, m.out_proj));
  }
  /// Whether sum and projections may change places.
  bool commutes() const { return options.tied && !options.multiply && out_proj.bias.value.empty(); }

  void scale_out_projection(double factor) {
    out_proj.weight.init.a *= factor;
    out_proj_reverse.weight.init.a *= factor;
  }
  void visit(auto&& v) {
    VisitGroup fwd{[&](auto& g) { detail::visit_mamba(g, forward_core, in_proj, out_proj, false); }};
    v("mamba_fwd", fwd);
    if (!options.bidirectional) return;
    VisitGroup rev{[&](auto& g) {
      options.tied ? detail::visit_mamba(g, reverse_core, in_proj, out_proj, true)
                   : detail::visit_mamba(g, reverse_core, in_proj_reverse, out_proj_reverse, false);
    }};
    v("mamba_rev", rev);
  }

  Options options;
  Index inner = 0;
  Linear<D, P> in_proj, out_proj;
  Linear<D, P> in_proj_reverse, out_proj_reverse;  ///< untied only
  MambaCore<Direction::forward, D, P> forward_core;
  MambaCore<Direction::reverse, D, P> reverse_core;

 private:
  static auto& in_of_reverse(auto& m) { return m.options.tied ? m.in_proj : m.in_proj_reverse; }
  static auto& out_of_reverse(auto& m) { return m.options.tied ? m.out_proj : m.out_proj_reverse; }
};

}  // namespace ligase::inline LIGASE_ISA
