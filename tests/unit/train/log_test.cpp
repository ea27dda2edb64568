#include <doctest/doctest.h>

#include <ligase/train/log.hpp>
#include <unit/io/temporary_folder.hpp>
#include <unit/train/file_limit.hpp>

#include <cmath>
#include <limits>
#include <string>

using namespace ligase;
using ligase_test::TemporaryFolder;

namespace {
StepReport report(Index step) {
  const auto s = static_cast<double>(step);
  return {.step = step,
          .tokens = 4096 + step,
          .loss = 1 / (3 + s),
          .learning_rate = 0.1 * s,
          .grad_norm = std::sqrt(s),
          .tokens_per_second = 1e300 / s};
}
bool same(const StepReport& a, const StepReport& b) {
  return a.step == b.step && a.tokens == b.tokens && a.loss == b.loss && a.learning_rate == b.learning_rate &&
         a.grad_norm == b.grad_norm && a.tokens_per_second == b.tokens_per_second;
}
std::string lines(Index first, Index last) {
  std::string text;
  for (Index s = first; s <= last; ++s) text += to_json_line(report(s)) + "\n";
  return text;
}
}  // namespace

TEST_CASE("a log line reads back to the same bits") {
  CHECK(to_json_line(
            {.step = 7, .tokens = 12, .loss = 0.1, .learning_rate = 1e-6, .grad_norm = 2, .tokens_per_second = 3.5}) ==
        R"({"step":7,"tokens":12,"loss":0.1,"learning_rate":1e-06,"grad_norm":2.0,"tokens_per_second":3.5})");
  double x = 1.0 / 3;
  for (Index i = 1; i < 200; ++i) {
    x = std::nextafter(x * 1.7, 1e308);
    StepReport r = report(i);
    r.loss = x;
    r.learning_rate = 1 / x;
    CHECK(same(parse_step_report(to_json_line(r), "line"), r));
  }
}

TEST_CASE("what is no number is null in the log") {
  const std::string line = to_json_line({.step = 1,
                                         .loss = std::nan(""),
                                         .grad_norm = std::numeric_limits<double>::infinity(),
                                         .tokens_per_second = -std::numeric_limits<double>::infinity()});
  CHECK(line == R"({"step":1,"tokens":0,"loss":null,"learning_rate":0.0,"grad_norm":null,"tokens_per_second":null})");
  CHECK(std::isnan(parse_step_report(line, "line").loss));
}

TEST_CASE("the log is cut back to the saved step") {
  const TemporaryFolder folder;
  const auto path = folder / "log.jsonl";
  {
    TrainingLog log = TrainingLog::create(path);
    for (Index s = 1; s <= 5; ++s) log.append(report(s));
    log.sync();
  }
  CHECK(read_file(path) == lines(1, 5));
  {
    TrainingLog log = TrainingLog::resume(path, 3);
    CHECK(read_file(path) == lines(1, 3));
    log.append(report(4));
  }
  CHECK(read_file(path) == lines(1, 4));
  CHECK(read_training_log(path).size() == 4);
  CHECK(same(read_training_log(path)[3], report(4)));

  // A torn last line, and after a power cut anything behind the saved step.
  write_file(path, lines(1, 4) + "{\"step\":5,\"tok");
  CHECK(read_training_log(path).size() == 4);
  TrainingLog::resume(path, 4);
  CHECK(read_file(path) == lines(1, 4));
  write_file(path, lines(1, 4) + std::string(300, '\0') + "\nx\n");
  TrainingLog::resume(path, 4);
  CHECK(read_file(path) == lines(1, 4));

  TrainingLog::create(path);
  CHECK(read_file(path).empty());
  std::filesystem::remove(path);
  TrainingLog::resume(path, 4).append(report(5));
  CHECK(read_file(path) == lines(5, 5));
  CHECK(folder.entries() == 1);
}

TEST_CASE("a damaged log is refused with file and line") {
  const TemporaryFolder folder;
  const auto path = folder / "log.jsonl";
  write_file(path, lines(1, 2) + "{]\n" + lines(3, 4));
  CHECK_THROWS_WITH_AS(read_training_log(path), doctest::Contains((path.string() + ":3: not valid JSON").c_str()),
                       Error);
  CHECK_THROWS_WITH_AS(TrainingLog::resume(path, 4), doctest::Contains(":3: not valid JSON"), Error);
  write_file(path, lines(1, 2) + lines(2, 3));
  CHECK_THROWS_WITH_AS(read_training_log(path),
                       doctest::Contains(":3: steps do not rise; expected a step above 2, found 2"), Error);
  write_file(path, "{\"tokens\":1}\n");
  CHECK_THROWS_WITH_AS(read_training_log(path), doctest::Contains("\"step\" is missing"), Error);
}

TEST_CASE("a full disk leaves whole lines") {
  const TemporaryFolder folder;
  const auto path = folder / "log.jsonl";
  TrainingLog log = TrainingLog::create(path);
  log.append(report(1));
  log.append(report(2));
  std::string message;
  ErrorKind kind{};
  {
    const ligase_test::FileLimit limit(static_cast<rlim_t>(lines(1, 2).size() + 10));
    try {
      log.append(report(3));
    } catch (const Error& e) {
      message = e.what(), kind = e.kind();
    }
  }
  CHECK(message == path.string() + ": cannot write the log; found File too large");
  CHECK(kind == ErrorKind::io);
  CHECK(read_file(path) == lines(1, 2));
  log.append(report(3));
  CHECK(read_file(path) == lines(1, 3));
}
