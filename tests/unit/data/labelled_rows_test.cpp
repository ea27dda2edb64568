#include <ligase/data/labelled_rows.hpp>
#include <ligase/seq/tokenizer/char.hpp>

#include <doctest/doctest.h>

#include <set>
#include <vector>

using namespace ligase;

namespace {
std::vector<TokenId> list(const Tensor<TokenId>& x) { return {x.data(), x.data() + x.count()}; }
}  // namespace

TEST_CASE("labelled rows: padding on the left, truncation of each strand, reverse complements") {
  // A C G T N are 7 8 9 10 11, [PAD] is 4.
  const LabelledRows rows({{"ACG", 1}, {"AACCGT", 0}, {"N", 2}}, CharTokenizer{}, 4);
  const std::vector<Index> picks{1, 0, 2};
  LabelledBatch batch = labelled_batch(rows, picks, {}, false);
  CHECK(list(batch.labels) == std::vector<TokenId>{0, 1, 2});
  CHECK(list(batch.ids) == std::vector<TokenId>{7, 7, 8, 8, 4, 7, 8, 9, 4, 4, 4, 11});
  // ACGGTT and CGT: the other strand's own first tokens.
  const std::vector<std::uint8_t> reversed{1, 0, 1};
  batch = labelled_batch(rows, picks, reversed, true);
  CHECK(batch.ids.shape() == Shape{6, 4});
  CHECK(list(batch.ids) ==
        std::vector<TokenId>{7, 8, 9, 9, 4, 7, 8, 9, 4, 4, 4, 11, 7, 7, 8, 8, 4, 8, 9, 10, 4, 4, 4, 11});
}

TEST_CASE("a seeded tenth is set aside for validation") {
  const RowSplit split = split_rows_for_validation(105, 1), same = split_rows_for_validation(105, 1);
  CHECK(split.validation.size() == 10);
  CHECK(split.training.size() == 95);
  std::set<Index> all(split.training.begin(), split.training.end());
  all.insert(split.validation.begin(), split.validation.end());
  CHECK(all.size() == 105);
  CHECK(*all.rbegin() == 104);
  CHECK(split.validation == same.validation);
  CHECK(split.validation != split_rows_for_validation(105, 2).validation);
  CHECK(split_rows_for_validation(2, 1).validation.size() == 1);
  CHECK_THROWS_WITH_AS(split_rows_for_validation(1, 1),
                       "too few training rows to set some aside for validation; expected at least 2, found 1", Error);
}
