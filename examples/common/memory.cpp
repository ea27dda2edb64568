#include <common/memory.hpp>

#include <ligase/core/error.hpp>

#include <sys/sysinfo.h>
#include <cstdio>

namespace ligase_cli {

namespace {

std::string gigabytes(double bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g GB", bytes / 1e9);
  return text;
}

}  // namespace

void check_memory(double bytes, const std::string& who, const std::string& sizes) {
  struct sysinfo machine = {};
  if (::sysinfo(&machine) != 0) return;
  const double there = (static_cast<double>(machine.totalram) + static_cast<double>(machine.totalswap)) *
                       static_cast<double>(machine.mem_unit);
  if (bytes > there)
    throw ligase::Error{{.kind = ligase::ErrorKind::usage,
                         .what = who + " would need " + gigabytes(bytes) + " of memory or more",
                         .where = sizes,
                         .expected = "sizes that fit into " + gigabytes(there)}};
}

}  // namespace ligase_cli
