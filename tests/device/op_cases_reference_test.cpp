#include <device/naive.hpp>
#include <device/op_cases.hpp>
#include <device/op_drivers.hpp>
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

TEST_CASE("operations on the cpu in float agree with serial code in double") { check_against_naive(cpu_float_runs(), true); }
TEST_CASE("operations on the cpu in double agree with serial code in double") { check_against_naive(cpu_double_runs(), false); }

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
