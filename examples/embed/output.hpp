#pragma once

#include <ligase/io/dtype.hpp>
#include <ligase/io/file.hpp>

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace embed {

using ligase::Index;

/// One array of the output: rows of `width` numbers. Only safetensors files have names.
struct OutputArray {
  std::string name;
  Index rows = 0;
};

/// A .npy or .safetensors file whose sizes are known before its numbers: the header is written first, rows are appended, and
/// the file appears under its name when all are there. A .npy file holds the rows of all arrays as one.
class OutputFile {
 public:
  /// Refuses (kind usage) what the disk has no room for. names: what the rows of a single array are, for the metadata.
  OutputFile(const std::filesystem::path& path, const std::vector<OutputArray>& arrays, Index width, ligase::DType dtype,
             const std::vector<std::string>& names);

  void append(std::span<const std::byte> bytes) {
    file_.write(bytes);
    written_ += static_cast<Index>(bytes.size());
  }
  /// Throws kind internal where rows are missing.
  void finish();

  static bool is_npy(const std::filesystem::path& path) { return path.extension() == ".npy"; }

 private:
  ligase::AtomicFile file_;
  Index written_ = 0, bytes_ = 0;
};

}  // namespace embed
