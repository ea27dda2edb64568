#include <doctest/doctest.h>

#include <ligase/ligase.hpp>

#include <cstring>
#include <string>
#include <vector>

using namespace ligase;

namespace {

template <class M>
void check_packed(const M& model) {
  const std::string genome = "ACGTTGCATTAGGACCATGCANNTTAGGGTTAGGGACGTACGATCGATTTACGCGCGATATAGCGACTGACCCTTAGGACATTTACCAGGAT";
  std::vector<std::string> sequences;
  for (const std::size_t length : {1u, 2u, 90u, 64u, 3u, 17u}) sequences.push_back(genome.substr(0, length));
  const auto packed = model.logits(sequences);
  REQUIRE(packed.size() == sequences.size());
  for (std::size_t i = 0; i < packed.size(); ++i) {
    const auto alone = model.logits(sequences[i]);
    REQUIRE(packed[i].shape() == alone.shape());
    CHECK(std::memcmp(packed[i].data(), alone.data(), static_cast<std::size_t>(alone.count()) * sizeof(float)) == 0);
  }
  CHECK(model.logits(std::vector<std::string>{}).empty());
  CHECK_THROWS_AS((void)model.logits(std::vector<std::string>{"ACGT", ""}), Error);
}

}  // namespace

TEST_CASE("logits of packed sequences are the bits of each one alone, on both strands and in both directions") {
  check_packed(Model<BiMamba<RCPS>, CharTokenizer>({.d_model = 24, .n_layer = 3}));
  check_packed(Model<BiMamba<None>, CharTokenizer>({.d_model = 24, .n_layer = 2}));
  check_packed(Model<Mamba, CharTokenizer>({.d_model = 24, .n_layer = 2}));
}
