#pragma once

#include <ligase/io/state_dict.hpp>

#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

namespace ligase_fuzz {

using namespace ligase;

/// A property of the reader that does not hold stops the run.
inline void check(bool holds) {
  if (!holds) std::abort();
}

inline std::span<const std::byte> bytes_of(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span(data, size));
}
inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Reads every element of a tensor that its view promises.
inline void read_all(const StateDict& file, const TensorView& t) {
  const bool floating =
      t.dtype == DType::F16 || t.dtype == DType::BF16 || t.dtype == DType::F32 || t.dtype == DType::F64;
  const bool eight = t.dtype == DType::F8_E4M3 || t.dtype == DType::F8_E5M2;
  if (floating)
    check(file.to_tensor<double>(t).count() == t.shape.count());
  else if (!eight && t.dtype != DType::U64)
    check(file.to_tensor<std::int64_t>(t).count() == t.shape.count());
}

}  // namespace ligase_fuzz
