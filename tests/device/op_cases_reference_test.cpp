#include <device/naive.hpp>
#include <device/op_cases.hpp>
#include <device/op_runs.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

using namespace ligase_test;

std::vector<OpRun> ligase_test::naive_double_runs() {
  return erase_all(op_cases<double, ligase::device::naive>(test_sizes()));
}

namespace {

/// Compares all results of `runs` with the naive device in double.
void compare(const std::vector<OpRun>& runs, bool in_float) {
  const auto references = naive_double_runs();
  REQUIRE(runs.size() == references.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    CAPTURE(runs[i].title);
    const Arrays inputs = draw_inputs(runs[i]);
    const Arrays gradients = draw_gradients(references[i].run(1, inputs, {}).first);
    const auto [expected, expected_gradients] = references[i].run(1, inputs, gradients);
    const auto [found, found_gradients] = runs[i].run(2, inputs, gradients);
    for (const auto& [name, a] : expected) {
      const std::string& tensor = name;
      CAPTURE(tensor);
      CHECK(found.at(name).shape == a.shape);
      CHECK(distance(found.at(name), a) <= (in_float ? runs[i].bound : 1e-13));
    }
    CHECK(found_gradients.size() == expected_gradients.size());
    for (const auto& [name, a] : expected_gradients) {
      const std::string& tensor = name;
      CAPTURE(tensor);
      CHECK(found_gradients.at(name).shape == a.shape);
      CHECK(distance(found_gradients.at(name), a) <= (in_float ? runs[i].gradient_bound : 1e-12));
    }
  }
}

}  // namespace

TEST_CASE("operations on the cpu in float agree with serial code in double") { compare(cpu_float_runs(), true); }
TEST_CASE("operations on the cpu in double agree with serial code in double") { compare(cpu_double_runs(), false); }

TEST_CASE("every header with operations has a case") {
  std::set<std::string> covered;
  for (const auto& c : op_cases<double, ligase::device::naive>({{1, 1, 1, 1, 1, 2}})) covered.insert(c.header);
  int headers = 0;
  for (const auto& entry : std::filesystem::directory_iterator(LIGASE_SOURCE_DIR "/include/ligase/ops")) {
    if (entry.path().extension() != ".hpp") continue;
    std::stringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    if (text.str().find("LIGASE_ISA::ops {") == std::string::npos) continue;  // types and primitives
    ++headers;
    CHECK_MESSAGE(covered.contains(entry.path().stem().string()), entry.path().filename().string()
                                                                      << " has no case in tests/device/op_cases.hpp");
  }
  CHECK(headers >= 12);
}
