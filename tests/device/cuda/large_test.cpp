#include <device/cuda/large.hpp>
#include <device/cuda/runs.hpp>

#include <doctest/doctest.h>

TEST_CASE("operations on cuda compute the same beyond 2^31 elements") {
  if (!ligase_test::has_cuda_device() || !ligase_test::has_device_memory(ligase::Index{40} << 30)) {
    MESSAGE("no GPU with 40 GiB: skipped");
    return;
  }
  const auto wrong = ligase_test::wrong_beyond_32_bits();
  CHECK(wrong == std::vector<std::string>{});
}
