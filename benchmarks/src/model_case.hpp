#pragma once

#include "limits.hpp"

#include <ligase/nn/mamba.hpp>

#include <string>
#include <vector>

namespace ligase_benchmark {

/// A model, a shape, and what is done with it.
struct ModelCase {
  std::string model;
  Index d_model, n_layer, length, batch;
  bool training = false;
  bool recompute = false;  ///< training: a layer keeps its input alone

  Index tokens() const { return length * batch; }
  std::string name() const {
    return model + " d" + std::to_string(d_model) + " n" + std::to_string(n_layer) + " L" + std::to_string(length) +
           " B" + std::to_string(batch) +
           (training ? recompute ? " training, layers recomputed" : " training" : " inference");
  }
};

/// Every model at the 1k shape over lengths, the 128-channel training step, and the 131k shape. 1,001 is odd and ends in a
/// partial block.
inline std::vector<ModelCase> model_cases() {
  std::vector<ModelCase> list;
  for (const char* model : {"caduceus-ps", "caduceus-ph", "mamba"})
    for (const bool training : {false, true})
      for (const auto& [length, batch] :
           {std::pair<Index, Index>{1024, 8}, {128, 64}, {1001, 8}, {8192, 1}, {131072, 1}})
        list.push_back({model, 118, 4, length, batch, training});
  list.push_back({"caduceus-ps", 128, 4, 1024, 8, true});
  for (const Index length : {1024, 8192, 131072})
    for (const bool training : {false, true}) list.push_back({"caduceus-ps", 256, 16, length, 1, training, training});
  list.push_back({"caduceus-ph", 256, 16, 131072, 1});
  list.push_back({"caduceus-ph", 256, 16, 8192, 1, true, true});
  return list;
}

/// Work of one forward pass per token of the input batch.
struct Counts {
  double matrix_flop = 0;    ///< floating-point operations of matrix products
  double scan_elements = 0;  ///< (channel, state) elements of all scans
};

/// Counts for `strands` strands read in `directions` directions with shared projections, which are computed once per strand:
/// in_proj 4 D E, out_proj 2 E D; per run (one strand, one direction) x_proj 2 E (R + 2 N), dt_proj 2 R E, scan E N; and the
/// language-model head 2 D V per strand.
constexpr Counts count_work(Index strands, Index directions, Index d_model, Index n_layer, Index vocabulary,
                            Index expand = 2, Index states = 16, Index rank = 0) {
  const Index inner = expand * d_model, runs = strands * directions;
  if (rank == 0) rank = (d_model + 15) / 16;
  const Index per_layer = strands * 6 * d_model * inner + runs * (2 * inner * (rank + 2 * states) + 2 * rank * inner);
  return {static_cast<double>(n_layer * per_layer + strands * 2 * d_model * vocabulary),
          static_cast<double>(n_layer * runs * inner * states)};
}
static_assert(count_work(1, 1, 256, 1, 0).matrix_flop == 851968);
static_assert(count_work(1, 2, 256, 1, 0).matrix_flop == 917504);
static_assert(count_work(2, 2, 256, 1, 0).matrix_flop == 1835008);
static_assert(count_work(2, 2, 256, 1, 0).scan_elements == 32768);

/// Seconds per token that the counts take at least on all threads: matrix products at the product rate, scans at 1.77 times
/// their instruction bound (softplus, D and gate in one loop). Training: three times the products, 3.5 times the scans;
/// recomputed layers are not counted.
inline double floor_seconds(const Limits& limits, const Counts& work, bool training) {
  const double matrix = work.matrix_flop / limits.product;
  const double scan = 1.77 * limits.scan_seconds(work.scan_elements) / limits.threads;
  return training ? 3 * matrix + 3.5 * scan : matrix + scan;
}

}  // namespace ligase_benchmark
