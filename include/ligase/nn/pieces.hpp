#pragma once

#include <ligase/nn/wire.hpp>
#include <ligase/ops/elementwise.hpp>
#include <ligase/ops/silu.hpp>
#include <ligase/ops/split.hpp>

/// Leaves without weights, the glue of wirings.
namespace ligase::inline LIGASE_ISA {

/// Nothing kept between forward and backward.
struct NothingSaved {};

namespace detail {
/// Sum of two gradients, through pairs; an empty tensor is a gradient that nobody asked for.
template <class T, class D>
Tensor<T, D> add_gradients(Context<D>& context, const Tensor<T, D>& a, const Tensor<T, D>& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  return ops::add(context, a, b);
}
template <class C, class A, class B>
std::pair<A, B> add_gradients(C& context, const std::pair<A, B>& a, const std::pair<A, B>& b) {
  return {add_gradients(context, a.first, b.first), add_gradients(context, a.second, b.second)};
}
}  // namespace detail

struct Identity {
  using Saved = NothingSaved;
  auto infer(auto&, auto x) const { return x; }
  auto forward(auto&, auto x, Saved&) const { return x; }
  auto backward(auto&, auto dy, Saved&) const { return dy; }
};
/// x -> (x, x); gradients add up.
struct Branch {
  using Saved = NothingSaved;
  auto infer(auto&, auto x) const { return std::pair{x, x}; }
  auto forward(auto&, auto x, Saved&) const { return std::pair{x, x}; }
  auto backward(auto& context, auto dy, Saved&) const { return detail::add_gradients(context, dy.first, dy.second); }
};
/// (a, b) -> a + b
struct Add {
  using Saved = NothingSaved;
  auto infer(auto& context, auto x) const { return ops::add(context, x.first, x.second); }
  auto forward(auto& context, auto x, Saved&) const { return ops::add(context, x.first, x.second); }
  auto backward(auto&, auto dy, Saved&) const { return std::pair{dy, dy}; }
};
/// (a, b) -> a b, elementwise
struct Mul {
  template <class X>
  using Saved = X;
  auto infer(auto& context, auto x) const { return ops::mul(context, x.first, x.second); }
  template <class X>
  auto forward(auto& context, X x, X& saved) const {
    saved = x;
    return ops::mul(context, x.first, x.second);
  }
  auto backward(auto& context, auto dy, auto& saved) const {
    return ops::mul_backward(context, dy, saved.first, saved.second);
  }
};
/// (x, z) -> x silu(z)
struct Gate {
  template <class X>
  using Saved = X;
  auto infer(auto& context, auto x) const { return ops::gate(context, x.first, x.second); }
  template <class X>
  auto forward(auto& context, X x, X& saved) const {
    saved = x;
    return ops::gate(context, x.first, x.second);
  }
  auto backward(auto& context, auto dy, auto& saved) const {
    return ops::gate_backward(context, dy, saved.first, saved.second);
  }
};
struct Silu {
  template <class X>
  using Saved = X;
  auto infer(auto& context, auto x) const { return ops::silu(context, x); }
  template <class X>
  auto forward(auto& context, X x, X& saved) const {
    saved = x;
    return ops::silu(context, x);
  }
  auto backward(auto& context, auto dy, auto& saved) const { return ops::silu_backward(context, dy, saved); }
};
/// [..., C] -> ([..., columns], [..., C - columns])
struct Split {
  Index columns;
  using Saved = NothingSaved;
  auto infer(auto& context, auto x) const { return ops::split(context, x, columns); }
  auto forward(auto& context, auto x, Saved&) const { return ops::split(context, x, columns); }
  auto backward(auto& context, auto dy, Saved&) const { return ops::concat(context, dy.first, dy.second); }
};
/// ([..., A], [..., B]) -> [..., A + B]
struct Concat {
  using Saved = Index;
  auto infer(auto& context, auto x) const { return ops::concat(context, x.first, x.second); }
  auto forward(auto& context, auto x, Saved& saved) const {
    saved = x.first.size(-1);
    return ops::concat(context, x.first, x.second);
  }
  auto backward(auto& context, auto dy, Saved& saved) const { return ops::split(context, dy, saved); }
};

/// Watches what flows past the `tap`s of a wiring.
struct Observer {
  virtual ~Observer() = default;
  virtual void see(const char* name, Index layer, const Tensor<float, cpu>& x) = 0;
  virtual void see(const char* name, Index layer, const Tensor<double, cpu>& x) = 0;
};
/// Shows what flows past to context.observer, where there is one, in host memory.
struct Tap {
  const char* name;
  using Saved = NothingSaved;
  auto infer(auto& context, auto x) const {
    if constexpr (decltype(x)::DeviceType::holds_data)
      if (context.observer) context.observer->see(name, context.layer, to_host_wide(x));
    return x;
  }
  auto forward(auto& context, auto x, Saved&) const { return infer(context, std::move(x)); }
  auto backward(auto&, auto dy, Saved&) const { return dy; }
};

inline constexpr Identity identity;
inline constexpr Branch branch;
inline constexpr Add add;
inline constexpr Mul mul;
inline constexpr Gate gate;
inline constexpr Silu silu;
inline constexpr Concat concat;
constexpr Split split(Index columns) { return {columns}; }
constexpr Tap tap(const char* name) { return {name}; }

/// x -> f(x) + x
template <class F>
auto residual(F&& f) {
  return seq(branch, par(std::forward<F>(f), identity), add);
}

}  // namespace ligase::inline LIGASE_ISA
