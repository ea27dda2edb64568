#pragma once

#include <ligase/data/batch.hpp>
#include <ligase/seq/tokenizer/char.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ligase_benchmark {

/// Windows of random bases.
inline std::shared_ptr<const ligase::SequenceDataset> random_windows(ligase::Index count, ligase::Index length) {
  using ligase::Index;
  const ligase::RandomStream random{1, 0, ligase::hash_name("benchmark.windows")};
  std::vector<std::string> windows;
  for (Index w = 0; w < count; ++w) {
    std::string letters(static_cast<std::size_t>(length), 'N');
    for (Index t = 0; t < length; ++t)
      letters[static_cast<std::size_t>(t)] = "ACGT"[random.below(static_cast<std::uint64_t>(w * length + t), 4)];
    windows.push_back(std::move(letters));
  }
  return std::make_shared<const ligase::SequenceDataset>(std::move(windows));
}

/// Training batches of them, masked or with the next tokens as labels.
inline std::vector<ligase::Batch> random_batches(ligase::Index count, ligase::Index batch, ligase::Index length,
                                                 bool causal) {
  ligase::BatchOptions options;
  options.batch_size = batch;
  options.length = length;
  options.objective = causal ? ligase::Objective::causal : ligase::Objective::mlm;
  options.seed = 1;
  const ligase::BatchMaker maker(random_windows(count * batch, length), ligase::CharTokenizer{}, options);
  std::vector<ligase::Batch> batches;
  for (ligase::Index i = 0; i < count; ++i) batches.push_back(maker(i));
  return batches;
}

}  // namespace ligase_benchmark
