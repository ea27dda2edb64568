#pragma once

#include <ligase/core/context.hpp>
#include <ligase/core/tensor.hpp>

#include <cmath>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ligase::inline LIGASE_ISA {

/// How a parameter is drawn. The value depends on (seed, name of the parameter, element) alone.
struct Init {
  enum class Rule { constant, uniform, normal, log_state, inverse_softplus_step } rule = Rule::constant;
  double a = 0;      ///< constant: value; uniform: bound; normal: standard deviation; step: smallest dt
  double b = 0;      ///< step: largest dt
  double floor = 0;  ///< step: dt is not drawn below this

  static Init constant(double value) { return {Rule::constant, value}; }
  /// U(-bound, bound)
  static Init uniform(double bound) { return {Rule::uniform, bound}; }
  static Init normal(double deviation) { return {Rule::normal, deviation}; }
  /// A_log of S4D-real: ln(n + 1) for state n (last dimension).
  static Init log_state() { return {Rule::log_state}; }
  /// Bias b with softplus(b) = dt, dt log-uniform in [smallest, largest], at least `floor` (mamba_ssm, Mamba.__init__).
  static Init inverse_softplus_step(double smallest, double largest, double floor) {
    return {Rule::inverse_softplus_step, smallest, largest, floor};
  }

  double draw(const RandomStream& stream, Index element, Index last_size) const {
    const auto i = static_cast<std::uint64_t>(element);
    switch (rule) {
      case Rule::constant: return a;
      case Rule::uniform: return (2 * stream.uniform(i) - 1) * a;
      case Rule::normal: return a * stream.normal(i);
      case Rule::log_state: return std::log(static_cast<double>(element % last_size + 1));
      case Rule::inverse_softplus_step: {
        const double dt = std::exp(stream.uniform(i) * (std::log(b) - std::log(a)) + std::log(a));
        const double kept = dt < floor ? floor : dt;
        return kept + std::log(-std::expm1(-kept));
      }
    }
    return 0;
  }
};

/// A trained tensor: its value, its gradient (empty in inference and for frozen weights), how it is drawn, and whether
/// weight decay applies to it. Backward passes add to the gradient (+=) where there is one.
template <class T, Device D>
struct Parameter {
  // Out of line for compile time: a layer has twenty of them.
  Parameter() = default;
  [[gnu::noinline]] Parameter(Parameter&&) = default;
  [[gnu::noinline]] Parameter(const Parameter&) = default;
  [[gnu::noinline]] Parameter& operator=(Parameter&&) = default;
  [[gnu::noinline]] Parameter& operator=(const Parameter&) = default;
  [[gnu::noinline]] ~Parameter() = default;
  [[gnu::noinline]] Parameter(const Shape& shape, Init rule, bool is_decayed = true)
      : value(shape), init(rule), decay(is_decayed) {}

  Tensor<T, D> value;
  Tensor<T, D> gradient;
  Init init;
  bool decay = true;

  bool trained() const { return !gradient.empty(); }
};

/// A tensor that is saved with the model but not trained.
template <class T, Device D>
struct Buffer {
  Tensor<T, D> value;
};
/// A tensor that training changes without a gradient, and that is saved with the model: running statistics.
template <class T, Device D>
struct Running {
  Tensor<T, D> value;
};

namespace detail {
template <class X>
struct is_leaf_tensor : std::false_type {};
template <class T, class D>
struct is_leaf_tensor<Parameter<T, D>> : std::true_type {};
template <class T, class D>
struct is_leaf_tensor<const Parameter<T, D>> : std::true_type {};
template <class T, class D>
struct is_leaf_tensor<Buffer<T, D>> : std::true_type {};
template <class T, class D>
struct is_leaf_tensor<const Buffer<T, D>> : std::true_type {};
template <class T, class D>
struct is_leaf_tensor<Running<T, D>> : std::true_type {};
template <class T, class D>
struct is_leaf_tensor<const Running<T, D>> : std::true_type {};
template <class X>
struct is_running : std::false_type {};
template <class T, class D>
struct is_running<Running<T, D>> : std::true_type {};
template <class T, class D>
struct is_running<const Running<T, D>> : std::true_type {};
template <class X>
struct is_buffer : std::false_type {};
template <class T, class D>
struct is_buffer<Buffer<T, D>> : std::true_type {};
template <class T, class D>
struct is_buffer<const Buffer<T, D>> : std::true_type {};

/// "prefix.name", or the one that is not empty.
[[gnu::noinline]] inline std::string join_path(std::string_view prefix, std::string_view name) {
  std::string path(prefix);
  if (!prefix.empty() && !name.empty()) path += '.';
  return path += name;
}

/// Joins names, calls the function for parameters, buffers and aliases, and walks into everything else. Kept out of line:
/// every use of a visitor would otherwise expand the string work at every member of every module.
template <class F>
class PathVisitor {
 public:
  PathVisitor(F& f, std::string prefix, bool is_alias) : f_(f), prefix_(std::move(prefix)), is_alias_(is_alias) {}

  template <class X>
  void operator()(std::string_view name, X& x) {
    walk(name, x, is_alias_);
  }
  /// A second name of tensors that were visited under their first one: tied weights.
  template <class X>
  void alias(std::string_view name, X& x) {
    walk(name, x, true);
  }

 private:
  template <class X>
  [[gnu::noinline]] void walk(std::string_view name, X& x, bool is_alias) {
    if constexpr (is_leaf_tensor<X>::value)
      f_(join_path(prefix_, name), x, is_alias);
    else
      x.visit(PathVisitor(f_, join_path(prefix_, name), is_alias));
  }

  F& f_;
  std::string prefix_;
  bool is_alias_;
};
}  // namespace detail

/// f(name, tensor, is_alias) for every Parameter, Buffer and Running below `module`, in the order of its `visit`, under the original
/// checkpoint's names. Tied tensors come once, then under further names with is_alias = true.
template <class M, class F>
void visit_tensors(M& root, F&& f) {
  root.visit(detail::PathVisitor<std::remove_reference_t<F>>(f, "", false));
}
/// The same for a module that must not change: f gets const tensors. (`visit` itself only names members.)
template <class M, class F>
void visit_tensors(const M& root, F&& f) {
  visit_tensors(const_cast<M&>(root),
                [&](const std::string& name, const auto& x, bool is_alias) { f(name, x, is_alias); });
}

/// A named group of members inside a `visit`: v("mamba_fwd", group).
template <class F>
struct VisitGroup {
  F members;
  void visit(auto&& v) { members(v); }
};
template <class F>
VisitGroup(F) -> VisitGroup<F>;

/// f(name, parameter) for every trained tensor, tied ones once.
template <class M, class F>
void visit_parameters(M& root, F&& f) {
  visit_tensors(root, [&](const std::string& name, auto& x, bool is_alias) {
    using X = std::remove_reference_t<decltype(x)>;
    if constexpr (!detail::is_buffer<X>::value && !detail::is_running<X>::value)
      if (!is_alias) f(name, x);
  });
}

/// Draws every parameter by its rule; the values depend on the seed and the parameter's name alone.
template <class M>
void initialize(M& module, std::uint64_t seed) {
  visit_parameters(module, [&](const std::string& name, auto& p) {
    fill_on_host(p.value, [&](auto value) {
      const RandomStream stream{seed, 0, hash_name(name)};
      const Index last = p.value.size(-1);
      Index i = 0;
      for (auto& v : value) v = static_cast<std::remove_reference_t<decltype(v)>>(p.init.draw(stream, i++, last));
    });
  });
}

/// Gives every parameter a gradient of zeros.
template <class M>
void allocate_gradients(M& module) {
  visit_parameters(module, [](const std::string&, auto& p) {
    p.gradient = std::remove_cvref_t<decltype(p.value)>::zeros(p.value.shape());
  });
}

template <class M>
void zero_gradients(M& module) {
  visit_parameters(module, [](const std::string&, auto& p) { p.gradient.set_zero(); });
}

template <class M>
Index parameter_count(M& module) {
  Index n = 0;
  visit_parameters(module, [&](const std::string&, auto& p) { n += p.value.count(); });
  return n;
}

}  // namespace ligase::inline LIGASE_ISA
