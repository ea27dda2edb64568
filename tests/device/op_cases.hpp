#pragma once

#include <device/op_cases_conv.hpp>
#include <device/op_cases_losses.hpp>
#include <device/op_cases_mixer.hpp>
#include <device/op_cases_rows.hpp>
#include <device/op_cases_sequences.hpp>

namespace ligase_test {

/// Small, odd and length-1 sizes; 65 and 130 tokens end in a partial tile of 64, 200 channels in a partial vector.
inline std::vector<Sizes> test_sizes() {
  return {{1, 1, 1, 1, 1, 2},     {2, 1, 5, 3, 4, 3},      {3, 7, 29, 48, 16, 16},
          {2, 65, 16, 33, 16, 7}, {3, 130, 48, 96, 5, 16}, {1, 200, 130, 50, 3, 100}};
}

/// All operations at all of these sizes: the one list that tests and benchmarks share.
template <class T, class D>
std::vector<OpCase<T, D>> op_cases(const std::vector<Sizes>& sizes) {
  std::vector<OpCase<T, D>> list;
  for (const Sizes& s : sizes) {
    add_elementwise_cases(list, s);
    add_row_cases(list, s);
    add_strand_cases(list, s);
    add_sequence_cases(list, s);
    add_pooling_cases(list, s);
    add_conv_cases(list, s);
    add_loss_cases(list, s);
    add_mixer_cases(list, s);
  }
  return list;
}

}  // namespace ligase_test
