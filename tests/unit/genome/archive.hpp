#pragma once

#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

namespace ligase_test {

/// One member of a ustar archive, padded to whole blocks. `stated` is the size that the header gives, -1 the true one.
inline std::string tar_member(const std::string& name, std::string_view content, char kind = '0', long stated = -1,
                              const std::string& prefix = "") {
  std::string header(512, '\0');
  const auto put = [&](std::size_t at, const std::string& text) { header.replace(at, text.size(), text); };
  char octal[16];
  put(0, name);
  put(100, "0000644");
  std::snprintf(octal, sizeof octal, "%011lo", stated < 0 ? static_cast<long>(content.size()) : stated);
  put(124, octal);
  header[156] = kind;
  put(257, std::string("ustar\0" "00", 8));
  put(345, prefix);
  put(148, "        ");
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  std::snprintf(octal, sizeof octal, "%06o", sum);
  put(148, std::string(octal) + std::string("\0 ", 2));
  std::string padded(content);
  padded.resize((content.size() + 511) / 512 * 512);
  return header + padded;
}

inline std::string pax_record(const std::string& key, const std::string& value) {
  const std::string rest = " " + key + "=" + value + "\n";
  std::size_t length = rest.size() + 1;
  while (std::to_string(length).size() + rest.size() != length) ++length;
  return std::to_string(length) + rest;
}

inline std::string tar_end() { return std::string(1024, '\0'); }

}  // namespace ligase_test
