// One program, the library compiled twice with different instruction-set flags: each half runs its own code, both agree.
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

std::vector<float> native_step(std::string& name);
std::vector<float> portable_step(std::string& name);

int main() {
  std::string native, portable;
  std::vector<float> a = native_step(native), b = portable_step(portable);
  const std::vector<float> again = native_step(native);
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    difference += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    size += std::pow(static_cast<double>(a[i]), 2);
  }
  const double relative = std::sqrt(difference / size);
  std::printf("%s and %s: %zu values, relative difference %.2g\n", native.c_str(), portable.c_str(), a.size(), relative);
  const bool two = native == portable || relative > 0;
  return portable == "portable" && two && a.size() == b.size() && relative < 2e-6 && a == again ? 0 : 1;
}
