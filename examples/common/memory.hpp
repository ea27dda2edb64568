#pragma once

#include <string>

namespace ligase_cli {

/// Refuses what this machine's memory cannot hold: kind usage, naming the flags or fields of the sizes. `who` begins the
/// sentence: "training".
void check_memory(double bytes, const std::string& who, const std::string& sizes);

}  // namespace ligase_cli
