#pragma once

#include <ligase/core/error.hpp>
#include <ligase/core/random.hpp>

#include <string>

namespace ligase::inline LIGASE_ISA {

/// A pseudo-random permutation of 0 .. n-1 without a table: a balanced Feistel network over the smallest even number of
/// bits that holds n, walked along its cycle until the value is below n (Black & Rogaway 2002). A pure function of
/// (key, i). Fewer than four steps on average; 1 <= n < 2^62.
class Permutation {
 public:
  Permutation(Index n, std::uint64_t key) : n_(static_cast<std::uint64_t>(n)), key_(splitmix64(key)) {
    while (half_bits_ < 31 && (std::uint64_t{1} << (2 * half_bits_)) < n_) ++half_bits_;
  }

  Index operator()(Index i) const {
    auto x = static_cast<std::uint64_t>(i);
    do x = shuffle(x);
    while (x >= n_);
    return static_cast<Index>(x);
  }

 private:
  static constexpr std::uint64_t rounds = 12;

  std::uint64_t shuffle(std::uint64_t x) const {
    const std::uint64_t mask = (std::uint64_t{1} << half_bits_) - 1;
    std::uint64_t left = x >> half_bits_, right = x & mask;
    for (std::uint64_t round = 0; round < rounds; ++round) {
      const std::uint64_t mixed = splitmix64(splitmix64(right ^ key_) + round) >> 32;
      const std::uint64_t next = left ^ (mixed & mask);
      left = right;
      right = next;
    }
    return (left << half_bits_) | right;
  }

  std::uint64_t n_;
  std::uint64_t key_;
  int half_bits_ = 1;
};

/// Which window of a data set of n windows the sample number `sample` of a training run is. Every epoch is a new order
/// without repetition; the last n mod group windows of an order are dropped (a data set smaller than one group is used
/// whole). A pure function of (seed, sample): a resumed run needs no state.
class EpochSampler {
 public:
  EpochSampler(Index n, Index group, std::uint64_t seed)
      : n_(n), per_epoch_(n < group ? n : n - n % group), seed_(seed) {
    if (n < 1 || group < 1)
      throw Error{{.kind = ErrorKind::usage,
                   .what = "cannot draw windows",
                   .expected = "at least one window and one sample per step",
                   .found = std::to_string(n) + " windows, " + std::to_string(group) + " samples per step"}};
  }

  /// Windows that one epoch uses.
  Index samples_per_epoch() const { return per_epoch_; }

  Index operator()(Index sample) const {
    const RandomStream stream{seed_, static_cast<std::uint64_t>(sample / per_epoch_), hash_name("data.order")};
    return Permutation(n_, stream.bits(0))(sample % per_epoch_);
  }

 private:
  Index n_;
  Index per_epoch_;
  std::uint64_t seed_;
};

}  // namespace ligase::inline LIGASE_ISA
