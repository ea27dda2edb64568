#pragma once

#include <ligase/core/random.hpp>
#include <ligase/data/labelled_rows.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace ligase_test {

/// Random letters; those of label 1, every second row, hold TATAAATAAA somewhere.
inline std::vector<ligase::LabelledSequence> planted_rows(ligase::Index n, ligase::Index length) {
  const ligase::RandomStream random{5, 0, 0};
  std::vector<ligase::LabelledSequence> rows;
  std::uint64_t e = 0;
  for (ligase::Index i = 0; i < n; ++i) {
    std::string letters;
    for (ligase::Index t = 0; t < length; ++t) letters += "ACGT"[random.below(e++, 4)];
    if (i % 2 == 1) letters.replace(random.below(e++, static_cast<std::uint64_t>(length - 10)), 10, "TATAAATAAA");
    rows.push_back({letters, i % 2});
  }
  return rows;
}

}  // namespace ligase_test
