#pragma once

#include <ligase/core/platform.hpp>

#include <nlohmann/json_fwd.hpp>

namespace ligase::inline LIGASE_ISA {

/// Objects sorted by key; what files are read into.
using Json = nlohmann::json;
/// Objects in the order of insertion; for files whose field order people see.
using OrderedJson = nlohmann::ordered_json;

}  // namespace ligase::inline LIGASE_ISA
