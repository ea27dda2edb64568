#include <ligase/data/batch.hpp>

#include <ligase/seq/tokenizer/char.hpp>
#include <ligase/seq/tokenizer/kmer.hpp>
#include <ligase/seq/tokenizer/kmer_overlap.hpp>

#include <doctest/doctest.h>
#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace {

using ligase::Batch;
using ligase::BatchMaker;
using ligase::BatchOptions;
using ligase::CharTokenizer;
using ligase::Index;
using ligase::Objective;
using ligase::SequenceDataset;
using ligase::TokenId;

std::vector<TokenId> row(const ligase::Tensor<TokenId>& tensor, Index b) {
  const auto length = static_cast<std::size_t>(tensor.size(1));
  const auto values = tensor.span().subspan(static_cast<std::size_t>(b) * length, length);
  return {values.begin(), values.end()};
}
std::vector<TokenId> flat(const ligase::Tensor<TokenId>& tensor) {
  return {tensor.span().begin(), tensor.span().end()};
}

auto maker(std::vector<std::string> windows, BatchOptions options) {
  return BatchMaker(std::make_shared<const SequenceDataset>(std::move(windows)), CharTokenizer{}, options);
}

std::vector<std::string> random_windows(int n, int length) {
  std::mt19937 random(1);
  std::vector<std::string> windows;
  for (int i = 0; i < n; ++i) {
    std::string letters;
    for (int k = 0; k < length; ++k) letters += "ACGT"[random() % 4];
    windows.push_back(letters);
  }
  return windows;
}

/// Without masks, ids are the window itself.
BatchOptions plain(Index batch_size, Index length) {
  return {.batch_size = batch_size, .length = length, .mlm_probability = 0};
}

}  // namespace

TEST_CASE("upper case, N to [PAD], truncation at the end, padding on the left") {
  BatchOptions options = plain(4, 6);
  options.training = false;
  const Batch batch = maker({"acgtnA", "ACGTACGT", "GT", "aRyN-T"}, options)(0);
  CHECK(batch.ids.shape() == ligase::Shape{4, 6});
  CHECK(row(batch.ids, 0) == std::vector<TokenId>{7, 8, 9, 10, 4, 7});
  CHECK(row(batch.ids, 1) == std::vector<TokenId>{7, 8, 9, 10, 7, 8});
  CHECK(row(batch.ids, 2) == std::vector<TokenId>{4, 4, 4, 4, 9, 10});
  CHECK(row(batch.ids, 3) == std::vector<TokenId>{7, 6, 6, 4, 6, 10});
  CHECK(flat(batch.labels) == std::vector<TokenId>(24, 4));
}

TEST_CASE("causal batches: labels are shifted, the last is [SEP], N and padding do not count") {
  BatchOptions options = plain(2, 5);
  options.training = false;
  options.objective = Objective::causal;
  const Batch batch = maker({"ACGNT", "GT"}, options)(0);
  CHECK(row(batch.ids, 0) == std::vector<TokenId>{7, 8, 9, 4, 10});
  CHECK(row(batch.labels, 0) == std::vector<TokenId>{8, 9, 4, 10, 1});
  CHECK(row(batch.ids, 1) == std::vector<TokenId>{4, 4, 4, 9, 10});
  CHECK(row(batch.labels, 1) == std::vector<TokenId>{4, 4, 9, 10, 1});
}

TEST_CASE("masked batches: labels hold the window, inputs differ from it at labelled positions only") {
  const auto windows = random_windows(8, 500);
  const auto make = maker(windows, {.batch_size = 8, .length = 500, .training = false, .seed = 3});
  const Batch batch = make(0);
  int labelled = 0;
  for (Index b = 0; b < 8; ++b) {
    const auto expected = CharTokenizer{}.encode(windows[static_cast<std::size_t>(b)]);
    const auto ids = row(batch.ids, b), labels = row(batch.labels, b);
    for (std::size_t t = 0; t < expected.size(); ++t)
      if (labels[t] == 4) {
        CHECK(ids[t] == expected[t]);
      } else {
        CHECK(labels[t] == expected[t]);
        ++labelled;
      }
  }
  CHECK(std::abs(labelled - 4000 * 0.15) < 5 * std::sqrt(4000 * 0.15 * 0.85));
  CHECK(row(batch.labels, 0) != row(batch.labels, 1));
}

TEST_CASE("a batch depends on seed and number only; cutting batches otherwise gives the same samples") {
  const auto windows = random_windows(37, 64);
  const BatchOptions options{.batch_size = 8, .length = 64, .rc_augment = true, .samples_per_step = 8, .seed = 5};
  const auto a = maker(windows, options), b = maker(windows, options);
  std::vector<TokenId> in_order, small_batches;
  for (const Index k : {5, 0, 3}) a(k);
  for (Index k = 0; k < 10; ++k) {
    const Batch batch = a(k);
    CHECK(flat(batch.ids) == flat(b(k).ids));
    CHECK(flat(batch.labels) == flat(b(k).labels));
    for (const TokenId id : batch.ids.span()) in_order.push_back(id);
  }
  BatchOptions halved = options;
  halved.batch_size = 4;
  const auto small = maker(windows, halved);
  for (Index k = 0; k < 20; ++k)
    for (const TokenId id : small(k).ids.span()) small_batches.push_back(id);
  CHECK(in_order == small_batches);
  CHECK(a.batches_per_epoch() == 4);
  CHECK(small.batches_per_epoch() == 8);

  BatchOptions other = options;
  other.seed = 6;
  CHECK(flat(maker(windows, other)(0).ids) != flat(a(0).ids));
}

TEST_CASE("a training epoch holds every window once, in another order each time") {
  const auto windows = random_windows(24, 40);
  const auto make = maker(windows, plain(8, 40));
  std::vector<std::set<std::vector<TokenId>>> epochs(2);
  for (Index k = 0; k < 6; ++k) {
    const Batch batch = make(k);
    for (Index b = 0; b < 8; ++b) epochs[static_cast<std::size_t>(k / 3)].insert(row(batch.ids, b));
  }
  CHECK(epochs[0].size() == 24);
  CHECK(epochs[0] == epochs[1]);
  CHECK(flat(make(0).ids) != flat(make(3).ids));
}

TEST_CASE("reverse complements: half of the training samples, none in evaluation unless asked for") {
  const std::string window = "AAAACCCGGT";
  const auto forward = CharTokenizer{}.encode(window), reverse = CharTokenizer{}.encode("ACCGGGTTTT");
  const auto count = [&](BatchOptions options) {
    int reversed = 0;
    const Batch batch = maker(std::vector<std::string>(1000, window), options)(0);
    for (Index b = 0; b < 1000; ++b) {
      const auto ids = row(batch.ids, b);
      CHECK((ids == forward || ids == reverse));
      reversed += ids == reverse;
    }
    return reversed;
  };
  BatchOptions options = plain(1000, 10);
  CHECK(count(options) == 0);
  options.rc_augment = true;
  CHECK(std::abs(count(options) - 500) < 5 * std::sqrt(250.0));
  options.training = false;
  CHECK(count(options) == 0);
  options.rc_augment_evaluation = true;
  CHECK(std::abs(count(options) - 500) < 5 * std::sqrt(250.0));
}

TEST_CASE("evaluation goes through the windows in order, the last batch is smaller, masks never change") {
  const auto windows = random_windows(10, 30);
  const BatchOptions options{.batch_size = 4, .length = 30, .training = false, .seed = 2};
  const auto make = maker(windows, options);
  CHECK(make.batches_per_epoch() == 3);
  CHECK(make(2).ids.shape() == ligase::Shape{2, 30});
  CHECK_THROWS_WITH_AS(make(3), "batch number outside the data set; expected 0 to 2, found 3", ligase::Error);
  CHECK_THROWS_AS(make(-1), ligase::Error);

  BatchOptions unmasked = options;
  unmasked.mlm_probability = 0;
  CHECK(row(maker(windows, unmasked)(1).ids, 1) == CharTokenizer{}.encode(windows[5]));

  BatchOptions wider = options;
  wider.batch_size = 10;
  CHECK(row(maker(windows, wider)(0).labels, 5) == row(make(1).labels, 1));
}

TEST_CASE("the target ids of the character tokenizer are the defaults") {
  const auto ids = ligase::target_ids_of(CharTokenizer{});
  const ligase::TargetIds expected;
  CHECK(ids.end == expected.end);
  CHECK(ids.mask == expected.mask);
  CHECK(ids.ignore == expected.ignore);
  CHECK(ids.unknown_base == expected.unknown_base);
  CHECK(ids.first_random == expected.first_random);
  CHECK(ids.last_random == expected.last_random);
}

TEST_CASE("target ids of other vocabularies: their [MASK], [PAD], end and N, and the neighbours of a token that overlaps") {
  const ligase::KmerTokenizer blocks(6);
  const auto of_blocks = ligase::target_ids_of(blocks);
  CHECK(of_blocks.mask == 2);
  CHECK(of_blocks.ignore == 1);
  CHECK(of_blocks.end == 1);
  CHECK(of_blocks.unknown_base == 4104);
  CHECK(of_blocks.last_random == 4104);
  CHECK(of_blocks.mask_left + of_blocks.mask_right == 0);
  // DNABERT masks around a centre: -1 .. 1 of 3-mers, -2 .. 3 of 6-mers.
  const auto three = ligase::target_ids_of(ligase::OverlappingKmerTokenizer(3)),
             six = ligase::target_ids_of(ligase::OverlappingKmerTokenizer(6));
  CHECK(std::vector<Index>{three.mask_left, three.mask_right, six.mask_left, six.mask_right} == std::vector<Index>{1, 1, 2, 3});
  CHECK(six.end == 3);
  CHECK(six.unknown_base == -1);
}

TEST_CASE("packed windows keep all their tokens, end to end, each with targets of its own") {
  BatchOptions options{.batch_size = 3, .fit = ligase::Fit::packed, .objective = Objective::causal, .training = false};
  const ligase::KmerTokenizer blocks(6);
  options.target_ids = ligase::target_ids_of(blocks);
  const std::vector<std::string> windows{"acgtacgt", "TTTTTT", "ACGTACNNACGTACG"};
  const BatchMaker make(std::make_shared<const SequenceDataset>(windows), blocks, options);
  const Batch batch = make(0);
  REQUIRE(batch.offsets);
  CHECK(*batch.offsets == std::vector<Index>{0, 3, 4, 9});
  CHECK(batch.ids.shape() == ligase::Shape{1, 9});
  CHECK(batch.bases == 29);
  const TokenId kmer = blocks.encode("ACGTAC")[0], g = blocks.encode("G")[0], t = blocks.encode("T")[0],
                all_t = blocks.encode("TTTTTT")[0];
  // N is read as <pad>, and <pad> is no target.
  CHECK(flat(batch.ids) == std::vector<TokenId>{kmer, g, t, all_t, kmer, 1, 1, kmer, g});
  CHECK(flat(batch.labels) == std::vector<TokenId>{g, t, 1, 1, 1, 1, kmer, g, 1});

  // The same sample in another batch.
  BatchOptions masked = options;
  masked.objective = Objective::mlm;
  masked.mlm_probability = 0.5;
  const BatchMaker three(std::make_shared<const SequenceDataset>(windows), blocks, masked);
  masked.batch_size = 1;
  const BatchMaker one(std::make_shared<const SequenceDataset>(windows), blocks, masked);
  std::vector<TokenId> ids, labels;
  for (Index k = 0; k < 3; ++k) {
    for (TokenId id : flat(one(k).ids)) ids.push_back(id);
    for (TokenId id : flat(one(k).labels)) labels.push_back(id);
  }
  CHECK(flat(three(0).ids) == ids);
  CHECK(flat(three(0).labels) == labels);

  const BatchMaker none(std::make_shared<const SequenceDataset>(std::vector<std::string>{"ACGT"}),
                        ligase::OverlappingKmerTokenizer(6), {.fit = ligase::Fit::packed});
  CHECK_THROWS_WITH_AS(none(0), "a window gives no token", ligase::Error);
}

TEST_CASE("empty batches, empty data and wrong probabilities are refused") {
  CHECK_THROWS_WITH_AS(maker({"A"}, {.batch_size = 0}),
                       "batch without content; expected batch size and length of at least 1, found 0 and 1024",
                       ligase::Error);
  CHECK_THROWS_AS(maker({"A"}, {.length = 0}), ligase::Error);
  CHECK_THROWS_AS(maker({"A"}, {.mlm_probability = 1.5}), ligase::Error);
  CHECK_THROWS_AS(maker({}, {}), ligase::Error);
}
