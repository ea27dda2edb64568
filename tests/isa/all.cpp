// One program, the library compiled with different instruction-set flags: each part runs its own code, and all agree.
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

std::vector<float> native_step(std::string& name);
std::vector<float> avx2_step(std::string& name);
std::vector<float> portable_step(std::string& name);

namespace {

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    difference += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    size += std::pow(static_cast<double>(b[i]), 2);
  }
  return a.size() == b.size() ? std::sqrt(difference / size) : 1;
}

}  // namespace

int main() {
  std::string portable;
  const std::vector<float> expected = portable_step(portable);
  bool good = portable == "portable";
  const auto check = [&](auto step) {
    std::string name;
    const std::vector<float> found = step(name);
    const double relative = distance(found, expected);
    std::printf("%s and %s: %zu values, relative difference %.2g\n", name.c_str(), portable.c_str(), found.size(), relative);
    good = good && relative < 2e-6 && (relative > 0 || name == portable) && step(name) == found;
  };
  check(native_step);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) check(avx2_step);
#endif
  return good ? 0 : 1;
}
