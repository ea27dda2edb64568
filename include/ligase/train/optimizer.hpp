#pragma once

#include <ligase/nn/param.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// One element of AdamW (see `AdamW`), with the factors of the step already worked out.
template <class T>
struct AdamWElement {
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

/// Applies `element` to n weights. Elements are independent: threads do not change the result.
template <class T>
void adamw_update(cpu, int threads, const AdamWElement<T>& element, Index n, T* value, T* first, T* second,
                  const T* gradient) {
  parallel_blocks(threads, n, 16384, [=](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) element(value[i], first[i], second[i], gradient[i]);
  });
}
template <class T>
void adamw_update(meta, int, const AdamWElement<T>&, Index, T*, T*, T*, const T*) {}

/// Sum of squares in double: blocks of 4096 elements in eight lanes each, added up in the order of the blocks, whatever
/// the number of threads.
template <class T>
double sum_of_squares(cpu, int threads, Index n, const T* x) {
  constexpr Index block = 4096, lanes = 8;
  std::vector<double> sums(static_cast<std::size_t>((n + block - 1) / block));
  parallel_blocks(threads, n, block, [&](Index begin, Index end) {
    double lane[lanes] = {};
    Index i = begin;
    for (; i + lanes <= end; i += lanes)
      for (Index k = 0; k < lanes; ++k) lane[k] += static_cast<double>(x[i + k]) * static_cast<double>(x[i + k]);
    for (; i < end; ++i) lane[0] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    double sum = 0;
    for (double s : lane) sum += s;
    sums[static_cast<std::size_t>(begin / block)] = sum;
  });
  double total = 0;
  for (double s : sums) total += s;
  return total;
}
template <class T>
double sum_of_squares(meta, int, Index, const T*) {
  return 0;
}

}  // namespace device

/// Euclidean norm over the gradients of all trained parameters; NaN or infinite where one of them is. Independent of
/// threads.
template <Device D, class M>
double gradient_norm(Context<D>& context, M& module) {
  double sum = 0;
  visit_parameters(module, [&](const std::string&, auto& p) {
    if (p.trained()) sum += sum_of_squares(context.device, context.threads, p.gradient.count(), p.gradient.data());
  });
  return std::sqrt(sum);
}

/// Factor that clips gradients of norm `norm` to `max_norm`: min(1, max_norm / (norm + 1e-6)), as
/// torch.nn.utils.clip_grad_norm_. An infinite max_norm switches clipping off.
inline double clip_coefficient(double norm, double max_norm) { return std::min(1.0, max_norm / (norm + 1e-6)); }

/// Defaults: pretraining in kuleshov-group/caduceus. Its fine-tuning takes beta2 = 0.999.
struct AdamWConfig {
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double weight_decay = 0.1;
};

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
    visit_parameters(module, [&](const std::string& name, auto& p) {
      if (p.trained()) moments_[name] = {Tensor<T, D>::zeros(p.value.shape()), Tensor<T, D>::zeros(p.value.shape())};
    });
  }

  /// One update with gradient * gradient_scale. The gradients are left as they are. The same parameters must have a
  /// gradient at every step.
  template <class M>
  void step(Context<D>& context, M& module, double learning_rate, double gradient_scale = 1) {
    if (steps_ == 0 && moments_.empty()) reset(module);
    ++steps_;
    const auto t = static_cast<double>(steps_);
    const AdamWElement<T> plain{.keep = T(1),
                                .gradient_scale = static_cast<T>(gradient_scale),
                                .beta1 = static_cast<T>(config_.beta1),
                                .rest1 = static_cast<T>(1 - config_.beta1),
                                .beta2 = static_cast<T>(config_.beta2),
                                .rest2 = static_cast<T>(1 - config_.beta2),
                                .rate = static_cast<T>(learning_rate / (1 - std::pow(config_.beta1, t))),
                                .root = static_cast<T>(std::sqrt(1 - std::pow(config_.beta2, t))),
                                .epsilon = static_cast<T>(config_.epsilon)};
    visit_parameters(module, [&](const std::string& name, auto& p) {
      if (!p.trained()) return;
      const auto found = moments_.find(name);
      if (found == moments_.end() || !(found->second.first.shape() == p.value.shape()))
        throw Error{{.kind = ErrorKind::internal,
                     .what = "the optimiser holds no moments of this shape for a trained parameter",
                     .where = name}};
      AdamWElement<T> element = plain;
      if (p.decay) element.keep = static_cast<T>(1 - learning_rate * config_.weight_decay);
      Moments& m = found->second;
      adamw_update(context.device, context.threads, element, p.value.count(), p.value.data(), m.first.data(),
                   m.second.data(), p.gradient.data());
    });
  }

  /// Moments by parameter name, and the number of steps that made them: the whole state.
  std::map<std::string, Moments>& moments() { return moments_; }
  const std::map<std::string, Moments>& moments() const { return moments_; }
  void set_steps(Index steps) { steps_ = steps; }

 private:
  AdamWConfig config_;
  Index steps_ = 0;
  std::map<std::string, Moments> moments_;
};

}  // namespace ligase::inline LIGASE_ISA
