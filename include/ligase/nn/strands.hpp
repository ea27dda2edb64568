#pragma once

#include <ligase/nn/pieces.hpp>
#include <ligase/ops/strands.hpp>

namespace ligase::inline LIGASE_ISA {

/// ids [B, L] -> [2 B, L]: the sequences, then their reverse complements.
template <class Map>
struct BothStrands {
  const Map& complement;
  using Saved = NothingSaved;
  auto infer(auto& context, auto ids) const { return ops::both_strands(context, ids, complement); }
  auto forward(auto& context, auto ids, Saved&) const { return infer(context, std::move(ids)); }
  auto backward(auto&, auto nothing, Saved&) const { return nothing; }
};
template <class Map>
BothStrands(const Map&) -> BothStrands<Map>;

/// Logits of both strands [2 B, L, V] -> [B, L, V]: y[t, v] = x0[t, v] + x1[L - 1 - t, complement(v)].
template <class Map>
struct JoinStrandLogits {
  const Map& complement;
  using Saved = NothingSaved;
  auto infer(auto& context, auto x) const { return ops::join_strand_logits(context, x, complement); }
  auto forward(auto& context, auto x, Saved&) const { return infer(context, std::move(x)); }
  auto backward(auto& context, auto dy, Saved&) const { return ops::join_strand_logits_backward(context, dy, complement); }
};
template <class Map>
JoinStrandLogits(const Map&) -> JoinStrandLogits<Map>;

}  // namespace ligase::inline LIGASE_ISA
