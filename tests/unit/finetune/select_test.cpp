#include <doctest/doctest.h>
#include <finetune/select.hpp>
#include <support/errors.hpp>

#include <string>
#include <vector>

namespace {

std::vector<ligase::TaskPlace> places() {
  std::vector<ligase::TaskPlace> list(3);
  list[0].name = "mouse/0";
  list[1].name = "mouse/2";
  list[2].name = "old";
  list[0].train = list[1].train = "train.csv";
  return list;
}

std::string chosen(const std::vector<std::string>& names, std::vector<std::string>& left_out) {
  std::string text;
  for (const ligase::TaskPlace& place : ligase_cli::select_tasks(places(), names, "--task", left_out))
    text += place.name + " ";
  return text;
}

TEST_CASE("select: names keep their order, all leaves out what cannot be trained, and says so") {
  std::vector<std::string> left_out;
  CHECK(chosen({"mouse/2", "mouse/0"}, left_out) == "mouse/2 mouse/0 ");
  CHECK(left_out.empty());
  CHECK(chosen({"all"}, left_out) == "mouse/0 mouse/2 ");
  CHECK(left_out == std::vector<std::string>{"old"});
  CHECK(chosen({"old"}, left_out) == "old ");
}

TEST_CASE("select: an unknown name is refused with the nearest one") {
  std::vector<std::string> left_out;
  const auto error = ligase_test::error_of([&] { chosen({"mose/2"}, left_out); });
  CHECK(error.kind() == ligase::ErrorKind::usage);
  CHECK(std::string(error.what()) ==
        "--task: unknown task (did you mean 'mouse/2'?); expected one of all, mouse/0, mouse/2, old, found 'mose/2'");
  CHECK(ligase_test::error_of([&] { chosen({"all", "old"}, left_out); }).fields().what ==
        "'all' stands beside other tasks");
  CHECK(ligase_test::error_of([&] { chosen({"old", "old"}, left_out); }).fields().what ==
        "the same task is named twice");
}

}  // namespace
