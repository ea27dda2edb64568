#pragma once

#include <ligase/core/platform.hpp>

#include <string>
#include <vector>

namespace ligase_test {

bool has_device_memory(ligase::Index bytes);
/// Operations that compute other bits at the end of tensors of more than 2^31 elements than alone.
std::vector<std::string> wrong_beyond_32_bits();

}  // namespace ligase_test
