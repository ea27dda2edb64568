#pragma once

#include <ligase/core/platform.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace ligase::inline LIGASE_ISA {

/// Codes of bases: A C G T are 0 1 2 3 in either case, everything else (N, IUPAC letters, gaps) is 4. The complement of
/// code b < 4 is 3 - b.
inline constexpr std::uint8_t unknown_base = 4;

namespace detail {

consteval std::array<std::uint8_t, 256> make_base_codes() {
  std::array<std::uint8_t, 256> table{};
  table.fill(unknown_base);
  constexpr std::string_view upper = "ACGT", lower = "acgt";
  for (std::uint8_t i = 0; i < 4; ++i)
    table[static_cast<unsigned char>(upper[i])] = table[static_cast<unsigned char>(lower[i])] = i;
  return table;
}

consteval std::array<char, 256> make_complements() {
  std::array<char, 256> table{};
  for (int i = 0; i < 256; ++i) table[static_cast<std::size_t>(i)] = static_cast<char>(i);
  constexpr std::string_view from = "ACGTacgt", to = "TGCAtgca";
  for (std::size_t i = 0; i < from.size(); ++i) table[static_cast<unsigned char>(from[i])] = to[i];
  return table;
}

inline constexpr auto base_codes = make_base_codes();
inline constexpr auto complements = make_complements();

}  // namespace detail

constexpr std::uint8_t base_code(char letter) { return detail::base_codes[static_cast<unsigned char>(letter)]; }

/// A<->T, C<->G, case kept; every other character is its own complement, IUPAC letters included (caduceus,
/// src/dataloaders/utils/rc.py).
constexpr char complement(char letter) { return detail::complements[static_cast<unsigned char>(letter)]; }

/// The other strand, read in its own direction. O(n).
inline std::string reverse_complement(std::string_view sequence) {
  std::string result(sequence.size(), '\0');
  std::transform(sequence.rbegin(), sequence.rend(), result.begin(), [](char c) { return complement(c); });
  return result;
}

/// a-z to A-Z whatever the locale.
constexpr char to_upper(char letter) {
  return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
}

}  // namespace ligase::inline LIGASE_ISA
