#pragma once

#include <ligase/core/error.hpp>
#include <ligase/core/random.hpp>
#include <ligase/data/sampler.hpp>

#include <string>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// Row numbers of a training set, both in rising order.
struct ValidationSplit {
  std::vector<Index> train, validation;
};

/// Sets floor(share n) of n training rows, at least one, apart for validation. Which rows depends on (n, share, seed)
/// alone. As in kuleshov-group/caduceus (random_split of the training files) the draw looks at no label: a rare class can
/// be missing on either side. Throws kind usage unless both sides get a row.
inline ValidationSplit split_validation(Index n, double share, std::uint64_t seed) {
  Index held = 0;
  if (n >= 2 && share > 0 && share < 1) {
    held = static_cast<Index>(static_cast<double>(n) * share);
    if (held == 0) held = 1;
  }
  if (held < 1 || held >= n)
    throw Error{{.kind = ErrorKind::usage,
                 .what = "cannot set rows apart for validation",
                 .expected = "at least two training rows and a share above 0 and below 1",
                 .found = std::to_string(n) + " rows, share " + std::to_string(share)}};
  const RandomStream stream{seed, 0, hash_name("task.validation")};
  const Permutation order(n, stream.bits(0));
  ValidationSplit split;
  split.validation.reserve(static_cast<std::size_t>(held));
  split.train.reserve(static_cast<std::size_t>(n - held));
  for (Index row = 0; row < n; ++row) (order(row) < held ? split.validation : split.train).push_back(row);
  return split;
}

}  // namespace ligase::inline LIGASE_ISA
