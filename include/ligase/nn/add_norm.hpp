#pragma once

#include <ligase/nn/norm.hpp>
#include <ligase/ops/add_norm.hpp>

#include <utility>

namespace ligase::inline LIGASE_ISA {

/// (branch, residual) -> (norm(s), s) with s = residual + branch, its strands exchanged where `exchange` says so; the residual
/// may be empty. AddResidual and Norm in one operation, see ops::add_norm.
/// N: Norm<D, P>, which keeps weights and name.
template <class N>
struct AddNorm {
  using X = typename N::X;

  N& norm;
  bool exchange;

  struct Saved {
    ops::AddNormSaved<typename X::Element, typename X::DeviceType> norm;
    bool had_residual = false;
  };

  std::pair<X, X> infer(auto& context, std::pair<X, X> x) const {
    return apply(context, x, static_cast<decltype(Saved::norm)*>(nullptr));
  }
  std::pair<X, X> forward(auto& context, std::pair<X, X> x, Saved& saved) const {
    saved.had_residual = !x.second.empty();
    return apply(context, x, &saved.norm);
  }
  std::pair<X, X> backward(auto& context, std::pair<X, X> dy, Saved& saved) {
    const X d = ops::add_norm_backward(context, dy.first, dy.second, saved.norm, norm.weight.value, exchange,
                                       norm.weight.gradient, norm.bias.gradient);
    return {d, saved.had_residual ? d : X{}};
  }

 private:
  auto apply(auto& context, const std::pair<X, X>& x, auto* saved) const {
    auto result = ops::add_norm(context, x.first, x.second, exchange, norm.weight.value, norm.bias.value, norm.eps,
                                norm.rms, saved);
    return std::pair<X, X>{std::move(result.y), std::move(result.sum)};
  }
};

template <class N>
AddNorm<N> add_norm(N& norm, bool exchange) {
  return {norm, exchange};
}

}  // namespace ligase::inline LIGASE_ISA
