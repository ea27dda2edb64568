#pragma once

#include <ligase/core/platform.hpp>

namespace ligase::inline LIGASE_ISA::generic {

/// The sum over j < n of add(j, 0) as 16 interleaved partial sums and a fixed tree over them: an order that vectorises and
/// depends on n alone. `add(j, s)` returns s plus the j-th term.
template <class T, class F>
LIGASE_HD T row_sum(Index n, F add) {
  constexpr int lanes = 16;
  T part[lanes] = {};
  Index j = 0;
  for (; j + lanes <= n; j += lanes)
    for (int k = 0; k < lanes; ++k) part[k] = add(j + k, part[k]);
  for (int k = 0; j + k < n; ++k) part[k] = add(j + k, part[k]);
  for (int half = lanes / 2; half > 0; half /= 2)
    for (int k = 0; k < half; ++k) part[k] += part[k + half];
  return part[0];
}

}  // namespace ligase::inline LIGASE_ISA::generic
