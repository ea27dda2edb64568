#include <doctest/doctest.h>

#include <ligase/io/json.hpp>
#include <ligase/train/schedule.hpp>
#include <support/shared.hpp>

#include <cmath>
#include <limits>

using namespace ligase;

namespace {
bool close(double a, double b) { return std::abs(a - b) <= 1e-12 * std::abs(b); }
}  // namespace

TEST_CASE("cosine schedule: the points of the reference") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("skipped: no reference material");
    return;
  }
  const Json cases = parse_json_file(*shared / "reference" / "golden" / "lr_schedule" / "cases.json");
  REQUIRE(cases.size() == 6);
  for (const Json& c : cases) {
    CAPTURE(c.at("name").get<std::string>());
    const CosineSchedule s{.base_lr = c.at("base_lr"),
                           .warmup_t = c.at("warmup_t"),
                           .t_initial = c.at("t_initial"),
                           .warmup_lr_init = c.at("warmup_lr_init"),
                           .lr_min = c.at("lr_min"),
                           .warmup_prefix = c.at("warmup_prefix")};
    for (const Json& point : c.at("points")) {
      CAPTURE(point.at(0).get<Index>());
      CHECK(close(s.rate(point.at(0)), point.at(1)));
    }
  }
}

TEST_CASE("cosine schedule: the recipes give the reference's parameters and rates") {
  const CosineSchedule p = pretraining_schedule(8e-3, 10000);
  CHECK(p.warmup_prefix);
  CHECK(close(p.rate(0), 1e-6));
  CHECK(close(p.rate(500), 0.004000500000000001));
  CHECK(close(p.rate(1000), 0.008));
  CHECK(close(p.rate(2500), 0.007470800344948535));
  CHECK(close(p.rate(9999), 0.00010000024064775932));
  CHECK(p.rate(10010) == 1e-4);

  // 27,791 sequences in batches of 128: 218 steps an epoch; the warm-up of 21.8 steps ends between two steps.
  const CosineSchedule f = finetuning_schedule(1e-3, 27791, 128, 10);
  CHECK(!f.warmup_prefix);
  CHECK(f.t_initial == 2180);
  CHECK(close(f.rate(21), 0.0009633394495412844));
  CHECK(close(f.rate(22), 0.0009997738595458907));
  CHECK(close(f.rate(2179), 0.00010000046727140098));
  CHECK(close(f.rate(2185), 1e-4));
}

TEST_CASE("cosine schedule: short runs, no warm-up, rising decay") {
  CHECK(pretraining_schedule(8e-3, 1).rate(0) == 1e-6);
  CHECK(pretraining_schedule(8e-3, 1).rate(1) == doctest::Approx(1e-4));
  const CosineSchedule none{.base_lr = 1, .t_initial = 2, .lr_min = 0.5};
  CHECK(none.rate(0) == 1);
  CHECK(none.rate(1) == doctest::Approx(0.75));
  CHECK(none.rate(2) == 0.5);

  CHECK(pretraining_schedule(1e-5, 100).rises());
  CHECK(pretraining_schedule(1e-5, 100).rate(100) > pretraining_schedule(1e-5, 100).rate(10));
  CHECK(!pretraining_schedule(1e-4, 100).rises());
  CHECK(!finetuning_schedule(1e-5, 100, 10, 1).rises());
}

TEST_CASE("schedules refuse impossible numbers") {
  for (double bad : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()})
    CHECK_THROWS_WITH_AS(pretraining_schedule(bad, 10),
                         doctest::Contains("bad learning rate; expected a finite number above 0"), Error);
  CHECK_THROWS_WITH_AS(pretraining_schedule(1, 0), "bad number of steps; expected a number above 0, found 0", Error);
  CHECK_THROWS_WITH_AS(finetuning_schedule(1, 10, 0, 1), doctest::Contains("batch size"), Error);
  CHECK_THROWS_WITH_AS(finetuning_schedule(1, 10, 1, -1), doctest::Contains("number of epochs"), Error);
  CHECK_THROWS_WITH_AS(finetuning_schedule(1, 0, 1, 1), doctest::Contains("training samples"), Error);
}
