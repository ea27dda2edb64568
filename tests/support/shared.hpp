#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>

namespace ligase_test {

/// The folder with reference material beside the checkout, or $LIGASE_SHARED; nothing where there is none.
inline std::optional<std::filesystem::path> shared() {
  namespace fs = std::filesystem;
  if (const char* given = std::getenv("LIGASE_SHARED")) return fs::path(given);
  const fs::path beside = fs::path(LIGASE_SOURCE_DIR).parent_path() / "shared";
  if (fs::exists(beside / "reference" / "golden")) return beside;
  return std::nullopt;
}

}  // namespace ligase_test
