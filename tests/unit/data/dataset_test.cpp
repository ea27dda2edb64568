#include <ligase/data/dataset.hpp>

#include <doctest/doctest.h>
#include <string>
#include <vector>

static_assert(ligase::Dataset<ligase::SequenceDataset>);
static_assert(!ligase::Dataset<std::vector<int>>);

TEST_CASE("windows in memory") {
  const ligase::SequenceDataset data({"ACGT", "GG"});
  CHECK(data.size() == 2);
  CHECK(data[1] == "GG");
  CHECK_THROWS_WITH_AS(data[2], "window number outside the data set; expected 0 to 1, found 2", ligase::Error);
  CHECK_THROWS_AS(data[-1], ligase::Error);
}
