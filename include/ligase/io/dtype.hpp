#pragma once

#include <ligase/core/error.hpp>

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace ligase::inline LIGASE_ISA {

static_assert(std::endian::native == std::endian::little, "tensor files are little-endian and are read in place");

/// Element types of tensor files; the names are those of safetensors.
enum class DType { BOOL, U8, I8, F8_E5M2, F8_E4M3, I16, U16, F16, BF16, I32, U32, F32, F64, I64, U64 };

namespace detail {
struct DTypeRow {
  DType dtype;
  std::string_view name;
  Index bytes;
};
inline constexpr std::array<DTypeRow, 15> dtype_table{{{DType::BOOL, "BOOL", 1},
                                                       {DType::U8, "U8", 1},
                                                       {DType::I8, "I8", 1},
                                                       {DType::F8_E5M2, "F8_E5M2", 1},
                                                       {DType::F8_E4M3, "F8_E4M3", 1},
                                                       {DType::I16, "I16", 2},
                                                       {DType::U16, "U16", 2},
                                                       {DType::F16, "F16", 2},
                                                       {DType::BF16, "BF16", 2},
                                                       {DType::I32, "I32", 4},
                                                       {DType::U32, "U32", 4},
                                                       {DType::F32, "F32", 4},
                                                       {DType::F64, "F64", 8},
                                                       {DType::I64, "I64", 8},
                                                       {DType::U64, "U64", 8}}};
}  // namespace detail

constexpr std::string_view dtype_name(DType d) { return detail::dtype_table[static_cast<std::size_t>(d)].name; }
/// Bytes of one element.
constexpr Index dtype_bytes(DType d) { return detail::dtype_table[static_cast<std::size_t>(d)].bytes; }

/// The type of that name, or nothing.
constexpr std::optional<DType> dtype_from_name(std::string_view name) {
  for (const auto& row : detail::dtype_table)
    if (row.name == name) return row.dtype;
  return std::nullopt;
}

/// The type that holds a C++ number unchanged.
template <class T>
constexpr DType dtype_of() {
  if constexpr (std::same_as<T, float>)
    return DType::F32;
  else if constexpr (std::same_as<T, double>)
    return DType::F64;
  else if constexpr (std::same_as<T, bool>)
    return DType::BOOL;
  else {
    static_assert(std::integral<T>, "tensor files hold float, double, bool and integers");
    constexpr bool is_signed = std::signed_integral<T>;
    if constexpr (sizeof(T) == 1)
      return is_signed ? DType::I8 : DType::U8;
    else if constexpr (sizeof(T) == 2)
      return is_signed ? DType::I16 : DType::U16;
    else if constexpr (sizeof(T) == 4)
      return is_signed ? DType::I32 : DType::U32;
    else
      return is_signed ? DType::I64 : DType::U64;
  }
}

/// IEEE 754 binary16 to float, exact; subnormals, infinities and NaN payloads included.
constexpr float half_to_float(std::uint16_t h) {
  const std::uint32_t sign = static_cast<std::uint32_t>(h & 0x8000U) << 16, magnitude = h & 0x7FFFU;
  if (magnitude >= 0x7C00U) return std::bit_cast<float>(sign | 0x7F800000U | ((magnitude & 0x3FFU) << 13));
  if (magnitude >= 0x0400U) return std::bit_cast<float>(sign | ((magnitude << 13) + ((127U - 15U) << 23)));
  // Subnormal or zero: magnitude * 2^-24.
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(static_cast<float>(magnitude) * 0x1p-24F));
}

/// bfloat16 to float, exact: the upper half of the same bits.
constexpr float bfloat16_to_float(std::uint16_t b) { return std::bit_cast<float>(static_cast<std::uint32_t>(b) << 16); }

namespace detail {
/// The value that lies at `p`, which need not be aligned.
template <class S>
S read_element(const std::byte* p) {
  S value;
  std::memcpy(&value, p, sizeof(S));
  return value;
}
}  // namespace detail

}  // namespace ligase::inline LIGASE_ISA
