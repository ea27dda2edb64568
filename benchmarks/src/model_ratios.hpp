#pragma once

#include "timing.hpp"

#include <ligase/core/random.hpp>
#include <ligase/model.hpp>
#include <ligase/models/caduceus.hpp>
#include <ligase/instantiate.hpp>
#include <ligase/seq/tokenizer/char.hpp>
#include <ligase/train/optimizer.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

/// Figures that compare two ways of running the 1k shape of Caduceus-PS (118 channels, 4 layers).
namespace ligase_benchmark {

using namespace ligase;

using RatioModel = Model<BiMamba<RCPS>, CharTokenizer>;
inline RatioModel model_1k() { return RatioModel({.d_model = 118, .n_layer = 4}, 1); }

/// Seconds of `a` and `b`, run in turn five times after a warm-up; ratio: the median of a / b over the pairs.
struct PairTiming {
  double a = 0, b = 0, ratio = 0;
  std::array<double, 5> ratios{};
};

template <class A, class B>
PairTiming measure_pairs(A a, B b) {
  const auto seconds = [](auto& f) {
    const double start = now();
    f();
    return now() - start;
  };
  seconds(a);
  seconds(b);
  PairTiming t;
  std::array<double, 5> of_a{}, of_b{};
  for (std::size_t i = 0; i < t.ratios.size(); ++i) {
    of_a[i] = seconds(a);
    of_b[i] = seconds(b);
    t.ratios[i] = of_a[i] / of_b[i];
  }
  const auto median = [](auto values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
  };
  t.a = median(of_a);
  t.b = median(of_b);
  t.ratio = median(t.ratios);
  return t;
}

inline Tensor<TokenId> random_bases(Shape shape) {
  Tensor<TokenId> ids(shape);
  const RandomStream random{1, 0, hash_name("benchmark.bases")};
  for (Index i = 0; i < ids.count(); ++i)
    ids.data()[i] = CharTokenizer::a + static_cast<TokenId>(random.below(static_cast<std::uint64_t>(i), 4));
  return ids;
}

/// One optimiser step on ids [B, L], of the sequences that `offsets` cuts them into.
class TrainingStep {
 public:
  TrainingStep() : model_(model_1k()) { allocate_gradients(model_); }
  void operator()(const Tensor<TokenId>& ids, int threads,
                  std::shared_ptr<const std::vector<Index>> offsets = nullptr) {
    Context<> c;
    c.threads = threads;
    c.training = true;
    c.offsets = std::move(offsets);
    zero_gradients(model_);
    model_.network().loss_and_gradients(c, ids, ids, CharTokenizer::pad);
    optimizer_.step(c, model_, 1e-3);
  }

 private:
  RatioModel model_;
  AdamW<float> optimizer_;
};

/// Training of 8 windows of 1,024 tokens: one thread against `threads`. The ratio is the speed-up.
inline PairTiming threads_against_one(int threads) {
  TrainingStep step;
  const Tensor<TokenId> ids = random_bases({8, 1024});
  return measure_pairs([&] { step(ids, 1); }, [&] { step(ids, threads); });
}

/// Lengths of 64 sequences of 50 to 1,000 tokens, as offsets of one row.
inline std::shared_ptr<const std::vector<Index>> packed_offsets() {
  auto offsets = std::make_shared<std::vector<Index>>(1, 0);
  const RandomStream random{1, 0, hash_name("benchmark.lengths")};
  for (std::uint64_t i = 0; i < 64; ++i) offsets->push_back(offsets->back() + 50 + static_cast<Index>(random.below(i, 951)));
  return offsets;
}

/// Seconds per token of a dense batch of windows of 1,024 against those of the packed batch. The ratio is the packed batch's
/// share of the dense batch's tokens per second.
inline PairTiming packed_against_dense(bool training, int threads) {
  const auto offsets = packed_offsets();
  const Index packed = offsets->back(), rows = (packed + 512) / 1024;
  const Tensor<TokenId> packed_ids = random_bases({1, packed}), dense_ids = random_bases({rows, 1024});
  PairTiming t;
  if (training) {
    TrainingStep step;
    t = measure_pairs([&] { step(dense_ids, threads); }, [&] { step(packed_ids, threads, offsets); });
  } else {
    const RatioModel model = model_1k();
    const auto run = [&](const Tensor<TokenId>& ids, std::shared_ptr<const std::vector<Index>> cuts) {
      Context<> c;
      c.threads = threads;
      c.offsets = std::move(cuts);
      model.network().logits(c, ids);
    };
    t = measure_pairs([&] { run(dense_ids, nullptr); }, [&] { run(packed_ids, offsets); });
  }
  const double size = static_cast<double>(packed) / static_cast<double>(1024 * rows);
  for (double& r : t.ratios) r *= size;
  t.ratio *= size;
  t.a /= static_cast<double>(1024 * rows);
  t.b /= static_cast<double>(packed);
  return t;
}

/// Seconds from the start of a process to its end, which loads a checkpoint of the 1k shape and computes the logits of 1,024
/// tokens, five times after a warm-up; sorted. `program` runs print_first_logits when its first argument is --first-logits.
inline std::vector<double> start_seconds(const std::string& program) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("ligase_start_" + std::to_string(::getpid()));
  model_1k().save(folder);
  std::vector<double> times;
  for (int i = 0; i < 6; ++i) {
    std::string name = program, flag = "--first-logits", place = folder.string();
    char* words[] = {name.data(), flag.data(), place.data(), nullptr};
    const double start = now();
    pid_t child = 0;
    int status = 1;
    const bool started = ::posix_spawn(&child, program.c_str(), nullptr, nullptr, words, environ) == 0;
    if (!started || ::waitpid(child, &status, 0) < 0 || status != 0)
      throw Error{{.kind = ErrorKind::internal, .what = "the program that computes first logits failed", .where = program}};
    if (i > 0) times.push_back(now() - start);
  }
  std::filesystem::remove_all(folder);
  std::sort(times.begin(), times.end());
  return times;
}

inline int print_first_logits(const std::string& folder) {
  const auto model = RatioModel::load(folder);
  const auto y = model.logits(random_bases({1, 1024}));
  return y.data()[0] == y.data()[0] ? 0 : 1;
}

}  // namespace ligase_benchmark
