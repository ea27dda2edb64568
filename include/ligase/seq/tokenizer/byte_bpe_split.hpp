#pragma once

#include <ligase/seq/tokenizer/bpe_unicode.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ligase::inline LIGASE_ISA::detail {

/// GPT-2's printable code point of every byte: itself for 33-126, 161-172 and 174-255, and 256, 257, ... for the
/// others.
inline constexpr auto byte_code_points = [] {
  std::array<std::uint16_t, 256> points{};
  std::uint16_t next = 256;
  for (std::uint16_t b = 0; b < 256; ++b)
    points[b] = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174 ? b : next++;
  return points;
}();

/// Bytes to GPT-2's printable text (UTF-8).
inline std::string printable_of_bytes(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const unsigned point = byte_code_points[static_cast<unsigned char>(c)];
    if (point < 0x80) {
      text += static_cast<char>(point);
    } else {
      text += static_cast<char>(0xC0U | point >> 6);
      text += static_cast<char>(0x80U | (point & 0x3FU));
    }
  }
  return text;
}

/// The way back; false where a character stands for no byte.
inline bool bytes_of_printable(std::string_view text, std::string& bytes) {
  static constexpr auto table = [] {
    std::array<std::int16_t, 324> bytes_of{};
    bytes_of.fill(-1);
    for (std::size_t b = 0; b < 256; ++b) bytes_of[byte_code_points[b]] = static_cast<std::int16_t>(b);
    return bytes_of;
  }();
  bytes.clear();
  while (!text.empty()) {
    const Character c = first_character(text);
    if (c.code < 0 || c.code >= static_cast<std::int32_t>(table.size())) return false;
    const std::int16_t byte = table[static_cast<std::size_t>(c.code)];
    if (byte < 0) return false;
    bytes += static_cast<char>(byte);
    text.remove_prefix(c.bytes);
  }
  return true;
}

/// Calls word(begin, end) for the words of text[begin, end) by GPT-2's expression, which covers the whole text:
/// @code{.unparsed}
///   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
/// @endcode
/// Classes of bpe_unicode.hpp; a byte that is no UTF-8 belongs to `[^\s\p{L}\p{N}]`.
template <class Word>
void split_gpt2(std::string_view text, std::size_t begin, std::size_t end, Word&& word) {
  enum Kind { space, letters, numbers, marks };
  std::size_t bytes = 0;  // of the character last looked at
  const auto kind_at = [&](std::size_t i) {
    const Character c = first_character(text.substr(i, end - i));
    bytes = c.bytes;
    switch (class_of(c)) {
      case CharClass::space: return space;
      case CharClass::letter: return letters;
      case CharClass::digit:
      case CharClass::number: return numbers;
      default: return marks;
    }
  };
  const auto contraction = [&](std::size_t i) -> std::size_t {
    for (const std::string_view c : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"})
      if (text.substr(i, end - i).starts_with(c)) return c.size();
    return 0;
  };
  for (std::size_t i = begin; i < end;) {
    const std::size_t start = i;
    if (const std::size_t length = text[i] == '\'' ? contraction(i) : 0; length > 0) {
      word(start, i += length);
      continue;
    }
    if (text[i] == ' ' && i + 1 < end && kind_at(i + 1) != space) ++i;
    const Kind kind = kind_at(i);
    std::size_t last = i;  // the character before the end of the run
    do last = i, i += bytes;
    while (i < end && kind_at(i) == kind);
    // White space leaves its last character to the word behind it.
    if (kind == space && i < end && last > start) i = last;
    word(start, i);
  }
}

}  // namespace ligase::inline LIGASE_ISA::detail
