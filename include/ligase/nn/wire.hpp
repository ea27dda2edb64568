#pragma once

#include <ligase/core/context.hpp>
#include <ligase/core/tensor.hpp>

#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

/// Wiring: a module describes its forward pass once, as an expression of leaves and combinators; the backward pass and the
/// type of what must be kept between the two (`Saved`) follow from the type of that expression.
///
/// A leaf offers
///   using Saved = ...;                                 or a template of that name over the type X on the wire
///   Y infer(Context<D>&, X x) const;                   keeps nothing (optional: forward with a discarded Saved serves)
///   Y forward(Context<D>&, X x, Saved& saved) const;
///   X backward(Context<D>&, Y dy, Saved& saved);       writes dx (=), adds to parameter gradients (+=)
/// A composite offers `static auto graph(auto& self)`, an expression that names its members; naming a member twice shares its
/// weights. Graphs are built at the call and never stored.
namespace ligase::inline LIGASE_ISA {

template <class M>
concept Composite = requires(M& m) { std::remove_cvref_t<M>::graph(m); };

namespace wire {

template <class X>
struct context_of;
template <class T, class D>
struct context_of<Tensor<T, D>> {
  using type = Context<D>;
};
template <class A, class B>
struct context_of<std::pair<A, B>> : context_of<A> {};
template <class X>
using context_of_t = typename context_of<X>::type;

template <class M, class X>
struct saved_of {
  using type = typename M::Saved;
};
template <class M, class X>
  requires requires { typename M::template Saved<X>; }
struct saved_of<M, X> {
  using type = typename M::template Saved<X>;
};
template <Composite M, class X>
struct saved_of<M, X> : saved_of<std::remove_cvref_t<decltype(std::remove_cvref_t<M>::graph(std::declval<M&>()))>, X> {};

/// What M keeps of a forward pass on an X.
template <class M, class X>
using saved_t = typename saved_of<std::remove_reference_t<M>, X>::type;

template <class M, class C, class X>
concept Accepts =
    Composite<M> || requires(const std::remove_cvref_t<M>& m, C& context, X x, saved_t<M, X>& s) { m.forward(context, std::move(x), s); };

template <class M, class C, class X>
auto forward(M& m, C& context, X x, saved_t<M, X>& saved) {
  if constexpr (Composite<M>) {
    auto g = std::remove_cvref_t<M>::graph(m);
    return wire::forward(g, context, std::move(x), saved);
  } else {
    return m.forward(context, std::move(x), saved);
  }
}

template <class M, class C, class X>
auto infer(M& m, C& context, X x) {
  if constexpr (Composite<M>) {
    auto g = std::remove_cvref_t<M>::graph(m);
    return wire::infer(g, context, std::move(x));
  } else if constexpr (requires { m.infer(context, std::move(x)); }) {
    return m.infer(context, std::move(x));
  } else {
    saved_t<M, X> discarded;
    return m.forward(context, std::move(x), discarded);
  }
}

template <class M, class C, class Y, class S>
auto backward(M& m, C& context, Y dy, S& saved) {
  if constexpr (Composite<M>) {
    auto g = std::remove_cvref_t<M>::graph(m);
    return wire::backward(g, context, std::move(dy), saved);
  } else {
    return m.backward(context, std::move(dy), saved);
  }
}

/// What M makes of an X.
template <class M, class X>
using output_t = decltype(wire::infer(std::declval<std::remove_reference_t<M>&>(), std::declval<context_of_t<X>&>(),
                                      std::declval<X>()));

/// While it lives a forward pass runs a second time: random uses get the places that they had, and nobody watches.
template <class C>
class Again {
 public:
  Again(C& context, std::uint64_t place)
      : context_(context),
        next_(std::exchange(context.next_place, place)),
        observer_(std::exchange(context.observer, nullptr)) {}
  Again(const Again&) = delete;
  Again& operator=(const Again&) = delete;
  ~Again() {
    context_.next_place = next_;
    context_.observer = observer_;
  }

 private:
  C& context_;
  std::uint64_t next_;
  Observer* observer_;
};

template <class X, class... F>
struct sequence {
  using Saved = std::tuple<>;
};
template <class X, class A, class... F>
struct sequence<X, A, F...> {
  static_assert(Accepts<A, context_of_t<X>, X>, "this layer does not accept what the previous one in seq(...) produces");
  using Saved = decltype(std::tuple_cat(std::declval<std::tuple<saved_t<A, X>>>(),
                                        std::declval<typename sequence<output_t<A, X>, F...>::Saved>()));
};

}  // namespace wire

/// One after the other. What a layer kept is released as soon as its backward pass is done.
template <class... F>
struct Seq {
  std::tuple<F...> layers;

  template <class X>
  using Saved = typename wire::sequence<X, F...>::Saved;

  template <class C, class X>
  auto infer(C& context, X x) const {
    return infer_from<0>(context, std::move(x));
  }
  template <class C, class X>
  auto forward(C& context, X x, Saved<X>& saved) const {
    return forward_from<0>(context, std::move(x), saved);
  }
  template <class C, class Y, class S>
  auto backward(C& context, Y dy, S& saved) {
    return backward_from<sizeof...(F)>(context, std::move(dy), saved);
  }

 private:
  template <std::size_t I, class C, class X>
  auto infer_from(C& context, X x) const {
    if constexpr (I == sizeof...(F))
      return x;
    else
      return infer_from<I + 1>(context, wire::infer(std::get<I>(layers), context, std::move(x)));
  }
  template <std::size_t I, class C, class X, class S>
  auto forward_from(C& context, X x, S& saved) const {
    if constexpr (I == sizeof...(F))
      return x;
    else
      return forward_from<I + 1>(context, wire::forward(std::get<I>(layers), context, std::move(x), std::get<I>(saved)),
                                 saved);
  }
  template <std::size_t I, class C, class Y, class S>
  auto backward_from(C& context, Y dy, S& saved) {
    if constexpr (I == 0) {
      return dy;
    } else {
      auto dx = wire::backward(std::get<I - 1>(layers), context, std::move(dy), std::get<I - 1>(saved));
      std::get<I - 1>(saved) = {};
      return backward_from<I - 1>(context, std::move(dx), saved);
    }
  }
};

/// Two layers side by side on the two parts of a pair.
template <class A, class B>
struct Par {
  A a;
  B b;

  template <class X>
  using Saved = std::pair<wire::saved_t<A, typename X::first_type>, wire::saved_t<B, typename X::second_type>>;

  template <class C, class X>
  auto infer(C& context, X x) const {
    auto first = wire::infer(a, context, std::move(x.first));
    auto second = wire::infer(b, context, std::move(x.second));
    return std::pair{std::move(first), std::move(second)};
  }
  template <class C, class X>
  auto forward(C& context, X x, Saved<X>& saved) const {
    auto first = wire::forward(a, context, std::move(x.first), saved.first);
    auto second = wire::forward(b, context, std::move(x.second), saved.second);
    return std::pair{std::move(first), std::move(second)};
  }
  template <class C, class Y, class S>
  auto backward(C& context, Y dy, S& saved) {
    auto second = wire::backward(b, context, std::move(dy.second), saved.second);
    saved.second = {};
    auto first = wire::backward(a, context, std::move(dy.first), saved.first);
    saved.first = {};
    return std::pair{std::move(first), std::move(second)};
  }
};

/// One of two layers of equal result, chosen at run time.
template <class A, class B>
struct Either {
  bool first;
  A a;
  B b;

  template <class X>
  struct Saved {
    std::optional<wire::saved_t<A, X>> a;
    std::optional<wire::saved_t<B, X>> b;
  };

  template <class C, class X>
  auto infer(C& context, X x) const {
    return first ? wire::infer(a, context, std::move(x)) : wire::infer(b, context, std::move(x));
  }
  template <class C, class X>
  auto forward(C& context, X x, Saved<X>& saved) const {
    return first ? wire::forward(a, context, std::move(x), saved.a.emplace())
                 : wire::forward(b, context, std::move(x), saved.b.emplace());
  }
  template <class C, class Y, class S>
  auto backward(C& context, Y dy, S& saved) {
    return first ? wire::backward(a, context, std::move(dy), *saved.a)
                 : wire::backward(b, context, std::move(dy), *saved.b);
  }
};

/// A run-time number of equal blocks; context.layer tells which one runs. With `recompute` > 0 only the input of every
/// recompute-th block is kept, and so many blocks run again before their backward pass: same bits, see Checkpoint.
template <class M>
struct Repeat {
  M* blocks;
  std::size_t count;
  std::size_t recompute;

  template <class X>
  struct Saved {
    std::vector<wire::saved_t<M, X>> blocks;
    std::vector<std::pair<X, std::uint64_t>> inputs;  ///< of groups, with the place of their first random use
  };

  template <class C, class X>
  X infer(C& context, X x) const {
    for (std::size_t i = 0; i < count; ++i) {
      context.layer = static_cast<Index>(i);
      x = wire::infer(blocks[i], context, std::move(x));
    }
    return x;
  }
  template <class C, class X>
  X forward(C& context, X x, Saved<X>& saved) const {
    saved.blocks.resize(count);
    if (recompute == 0) return run(context, std::move(x), saved, 0, count);
    for (std::size_t i = 0; i < count; ++i) {
      if (i % recompute == 0) saved.inputs.emplace_back(x, context.next_place);
      context.layer = static_cast<Index>(i);
      x = wire::infer(blocks[i], context, std::move(x));
    }
    return x;
  }
  template <class C, class Y, class S>
  Y backward(C& context, Y dy, S& saved) {
    for (std::size_t end = count; end > 0;) {
      const std::size_t begin = recompute == 0 ? 0 : (end - 1) / recompute * recompute;
      if (recompute > 0) {
        auto [x, place] = std::move(saved.inputs.back());
        saved.inputs.pop_back();
        const wire::Again<C> again(context, place);
        run(context, std::move(x), saved, begin, end);
      }
      for (; end > begin; --end) {
        context.layer = static_cast<Index>(end - 1);
        dy = wire::backward(blocks[end - 1], context, std::move(dy), saved.blocks[end - 1]);
        saved.blocks.pop_back();
      }
    }
    return dy;
  }

 private:
  template <class C, class X, class S>
  X run(C& context, X x, S& saved, std::size_t begin, std::size_t end) const {
    for (std::size_t i = begin; i < end; ++i) {
      context.layer = static_cast<Index>(i);
      x = wire::forward(blocks[i], context, std::move(x), saved.blocks[i]);
    }
    return x;
  }
};

/// Keeps only the input of f and runs f again before its backward pass: memory for one more forward pass. With active =
/// false it is f itself. Random uses inside f keep their places, so values and gradients are the same bits either way.
template <class F>
struct Checkpoint {
  F f;
  bool active;

  template <class X>
  struct Saved {
    X x;
    std::uint64_t place = 0;
    wire::saved_t<F, X> inner;
  };

  template <class C, class X>
  auto infer(C& context, X x) const {
    return wire::infer(f, context, std::move(x));
  }
  template <class C, class X>
  auto forward(C& context, X x, Saved<X>& saved) const {
    if (!active) return wire::forward(f, context, std::move(x), saved.inner);
    saved.x = x;
    saved.place = context.next_place;
    return wire::infer(f, context, std::move(x));
  }
  template <class C, class Y, class S>
  auto backward(C& context, Y dy, S& saved) {
    if (active) {
      const wire::Again<C> again(context, saved.place);
      wire::forward(f, context, std::exchange(saved.x, {}), saved.inner);
    }
    return wire::backward(f, context, std::move(dy), saved.inner);
  }
};

/// Combinators keep references to named layers and own temporary ones.
template <class... F>
auto seq(F&&... layers) {
  return Seq<F...>{{std::forward<F>(layers)...}};
}
template <class A, class B>
auto par(A&& a, B&& b) {
  return Par<A, B>{std::forward<A>(a), std::forward<B>(b)};
}
template <class A, class B>
auto either(bool first, A&& a, B&& b) {
  return Either<A, B>{first, std::forward<A>(a), std::forward<B>(b)};
}
template <class Blocks>
auto repeat(Blocks& blocks, Index recompute = 0) {
  return Repeat<std::remove_pointer_t<decltype(blocks.data())>>{blocks.data(), blocks.size(),
                                                               static_cast<std::size_t>(recompute)};
}
template <class F>
auto checkpoint(F&& f, bool active = true) {
  return Checkpoint<F>{std::forward<F>(f), active};
}

}  // namespace ligase::inline LIGASE_ISA
