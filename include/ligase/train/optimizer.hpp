#pragma once

#include <ligase/nn/param.hpp>
#include <ligase/train/parameter_table.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// Defaults: pretraining in kuleshov-group/caduceus. Its fine-tuning takes beta2 = 0.999.
struct AdamWConfig {
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double weight_decay = 0.1;
};

/// The numbers that change from step to step, in the memory of the device: a recorded step reads the ones of its replay.
struct StepScalars {
  double rate = 0;                                            ///< learning rate / (1 - beta1^t)
  double root = 1;                                            ///< sqrt(1 - beta2^t)
  double keep = 1;                                            ///< 1 - learning rate * weight decay
  double scale = 1;                                           ///< factor of the gradients: 1 / accumulated batches
  double max_norm = std::numeric_limits<double>::infinity();  ///< of the scaled gradients
};

/// Factor that clips gradients of norm `norm` to `max_norm`: min(1, max_norm / (norm + 1e-6)), as
/// torch.nn.utils.clip_grad_norm_. An infinite max_norm switches clipping off.
LIGASE_HD inline double clip_coefficient(double norm, double max_norm) {
  const double c = max_norm / (norm + 1e-6);
  return c < 1 ? c : 1;
}

/// One element of AdamW (see `AdamW`), with the factors of the step already worked out.
template <class T>
struct AdamWElement {
  LIGASE_HD AdamWElement(const AdamWConfig& c, const StepScalars& s, double factor, bool decays)
      : keep(decays ? static_cast<T>(s.keep) : T(1)),
        gradient_scale(static_cast<T>(factor)),
        beta1(static_cast<T>(c.beta1)),
        rest1(static_cast<T>(1 - c.beta1)),
        beta2(static_cast<T>(c.beta2)),
        rest2(static_cast<T>(1 - c.beta2)),
        rate(static_cast<T>(s.rate)),
        root(static_cast<T>(s.root)),
        epsilon(static_cast<T>(c.epsilon)) {}

  T keep;            ///< 1 - learning rate * weight decay, or 1
  T gradient_scale;  ///< clipping and mean over accumulated batches
  T beta1, rest1;    ///< beta1, 1 - beta1
  T beta2, rest2;    ///< beta2, 1 - beta2
  T rate;            ///< learning rate / (1 - beta1^t)
  T root;            ///< sqrt(1 - beta2^t)
  T epsilon;

  LIGASE_HD void operator()(T& value, T& first, T& second, T gradient) const {
    const T g = gradient * gradient_scale;
    first = beta1 * first + rest1 * g;
    second = beta2 * second + rest2 * g * g;
    value = value * keep - rate * (first / (std::sqrt(second) / root + epsilon));
  }
};

namespace device {

/// One update of all parameters of the table; elements are independent of each other. `norm`, where given, is what
/// `gradient_norms` found: the gradients are clipped to scalars.max_norm, and where it or the loss, where given, is not
/// finite, nothing changes.
template <class T>
void adamw_update_all(Context<cpu>& context, const ParameterTable<T, cpu>& table, const AdamWConfig& config,
                      const Tensor<StepScalars, cpu>& scalars, const Tensor<double, cpu>& norm,
                      const Tensor<double, cpu>& loss) {
  const StepScalars& s = *scalars.data();
  if (!norm.empty() && !std::isfinite(norm.data()[1])) return;
  if (!loss.empty() && !std::isfinite(loss.data()[0])) return;
  const double factor = s.scale * (norm.empty() ? 1 : clip_coefficient(norm.data()[1], s.max_norm));
  for (const ParameterSpan<T>& p : table.spans()) {
    const AdamWElement<T> element(config, s, factor, p.decays);
    parallel_blocks(context.threads, p.count, 16384, [=](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) element(p.value[i], p.first[i], p.second[i], p.gradient[i]);
    });
  }
}
template <class T>
void adamw_update_all(Context<meta>&, const ParameterTable<T, meta>&, const AdamWConfig&,
                      const Tensor<StepScalars, meta>&, const Tensor<double, meta>&, const Tensor<double, meta>&) {}

/// result: [the sum of the squares of all gradients, its root times `scale`], the scale that of the scalars or 1. In double,
/// in an order that depends on the table alone.
template <class T>
void gradient_norms(Context<cpu>& context, const ParameterTable<T, cpu>& table, const Tensor<StepScalars, cpu>& scalars,
                    Tensor<double, cpu>& result) {
  double sum = 0;
  for (const ParameterSpan<T>& p : table.spans()) sum += sum_of_squares(context.threads, p.count, p.gradient);
  result.data()[0] = sum;
  result.data()[1] = std::sqrt(sum) * (scalars.empty() ? 1 : scalars.data()->scale);
}
template <class T>
void gradient_norms(Context<meta>&, const ParameterTable<T, meta>&, const Tensor<StepScalars, meta>&,
                    Tensor<double, meta>&) {}

template <class T, Device D>
void zero_gradients_all(Context<D>&, const ParameterTable<T, D>& table) {
  if constexpr (D::on_host)
    for (const ParameterSpan<T>& p : table.spans()) std::fill(p.gradient, p.gradient + p.count, T(0));
}

}  // namespace device

/// Euclidean norm over the gradients of all trained parameters; NaN or infinite where one of them is. Independent of
/// threads. Waits for the device.
template <Device D, class M>
double gradient_norm(Context<D>& context, M& module) {
  std::pair<std::vector<ParameterSpan<float>>, std::vector<ParameterSpan<double>>> found;
  visit_parameters(module, [&](const std::string&, auto& p) {
    using T = std::remove_pointer_t<decltype(p.value.data())>;
    if (p.trained())
      std::get<std::vector<ParameterSpan<T>>>(found).push_back(
          {.gradient = p.gradient.data(), .count = p.gradient.count()});
  });
  const auto squares = [&]<class T>(std::vector<ParameterSpan<T>> spans) -> double {
    if (spans.empty()) return 0;
    ParameterTable<T, D> table;
    table.assign(std::move(spans));
    Tensor<double, D> result({2});
    gradient_norms(context, table, Tensor<StepScalars, D>(), result);
    if constexpr (D::holds_data) return to_host(result).data()[0];
    return 0;
  };
  return std::sqrt(squares(std::move(found.first)) + squares(std::move(found.second)));
}

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019), in PyTorch's form (torch.optim.AdamW).
/// Step t = 1, 2, ...:
///   w = (1 - lr * decay) w      (parameters with Parameter::decay only)
///   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2
///   w = w - lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
/// Elementwise arithmetic in T, factors in double. Frozen parameters (no gradient) are left alone. Moments are kept by
/// parameter name: twice the memory of the trained weights.
template <class T = float, Device D = cpu>
class AdamW {
 public:
  struct Moments {
    Tensor<T, D> first;
    Tensor<T, D> second;
  };

  explicit AdamW(AdamWConfig config = {}) : config_(config) {}

  const AdamWConfig& config() const { return config_; }
  /// Steps made so far.
  Index steps() const { return steps_; }

  /// Forgets every step: zero moments for each trained parameter of `module`.
  template <class M>
  void reset(M& module) {
    steps_ = 0;
    moments_.clear();
    table_.assign({});
    visit_parameters(module, [&](const std::string& name, auto& p) {
      if (p.trained()) moments_[name] = {Tensor<T, D>::zeros(p.value.shape()), Tensor<T, D>::zeros(p.value.shape())};
    });
  }

  /// One update with gradient * gradient_scale. The gradients are left as they are. The same parameters must have a
  /// gradient at every step.
  template <class M>
  void step(Context<D>& context, M& module, double learning_rate, double gradient_scale = 1) {
    prepare(module, learning_rate, gradient_scale);
    adamw_update_all(context, table_, config_, scalars_, Tensor<double, D>(), Tensor<double, D>());
  }

  /// The same in two halves. `prepare` counts the step and gives its numbers to the device. `apply` clips the gradients,
  /// times gradient_scale, to max_norm and updates, without waiting for the device; the step changes nothing where the norm
  /// or the first number of `loss`, where given, is not finite. A recorded `apply` (a CUDA graph) may be replayed after every
  /// `prepare`, as long as module and optimiser keep their memory.
  template <class M>
  void prepare(M& module, double learning_rate, double gradient_scale = 1,
               double max_norm = std::numeric_limits<double>::infinity()) {
    if (steps_ == 0 && moments_.empty()) reset(module);
    ++steps_;
    gather(module);
    const auto t = static_cast<double>(steps_);
    const StepScalars scalars{.rate = learning_rate / (1 - std::pow(config_.beta1, t)),
                              .root = std::sqrt(1 - std::pow(config_.beta2, t)),
                              .keep = 1 - learning_rate * config_.weight_decay,
                              .scale = gradient_scale,
                              .max_norm = max_norm};
    if (scalars_.empty()) scalars_ = Tensor<StepScalars, D>({1});
    if constexpr (D::holds_data) scalars_.assign({&scalars, 1});
  }
  void apply(Context<D>& context, const Tensor<double, D>& loss = {}) {
    if (norm_.empty()) norm_ = Tensor<double, D>({2});
    gradient_norms(context, table_, scalars_, norm_);
    adamw_update_all(context, table_, config_, scalars_, norm_, loss);
  }
  /// Of the last `apply`: [sum of squares of the gradients, the norm of the scaled gradients before clipping].
  const Tensor<double, D>& norm() const { return norm_; }

  /// Euclidean norm over the gradients of all trained parameters; NaN or infinite where one of them is. Waits for the device.
  template <class M>
  double gradient_norm(Context<D>& context, M& module) {
    if (moments_.empty()) reset(module);
    gather(module);
    if (norm_.empty()) norm_ = Tensor<double, D>({2});
    gradient_norms(context, table_, Tensor<StepScalars, D>(), norm_);
    if constexpr (D::holds_data) return to_host(norm_).data()[1];
    return 0;
  }
  /// Gradients of all trained parameters = 0.
  template <class M>
  void zero_gradients(Context<D>& context, M& module) {
    if (moments_.empty()) reset(module);
    gather(module);
    zero_gradients_all(context, table_);
  }

  /// Moments by parameter name, and the number of steps that made them: the whole state.
  std::map<std::string, Moments>& moments() { return moments_; }
  const std::map<std::string, Moments>& moments() const { return moments_; }
  void set_steps(Index steps) { steps_ = steps; }

 private:
  /// Brings the table up to date: nothing is done where no tensor has moved.
  template <class M>
  void gather(M& module) {
    std::vector<ParameterSpan<T>> spans;
    visit_parameters(module, [&](const std::string& name, auto& p) {
      if (!p.trained()) return;
      const auto found = moments_.find(name);
      if (found == moments_.end() || !(found->second.first.shape() == p.value.shape()))
        throw Error{{.kind = ErrorKind::internal,
                     .what = "the optimiser holds no moments of this shape for a trained parameter",
                     .where = name}};
      Moments& m = found->second;
      spans.push_back({p.value.data(), p.gradient.data(), m.first.data(), m.second.data(), p.value.count(), p.decay});
    });
    table_.assign(std::move(spans));
  }

  AdamWConfig config_;
  Index steps_ = 0;
  std::map<std::string, Moments> moments_;
  ParameterTable<T, D> table_;
  Tensor<StepScalars, D> scalars_;
  Tensor<double, D> norm_;
};

}  // namespace ligase::inline LIGASE_ISA
