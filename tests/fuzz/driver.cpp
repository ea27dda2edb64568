// Runs a harness without libFuzzer: every file of the corpus, then a fixed number of changed copies, the same on every
// machine. Fails where the harness aborts, where an input takes more than ten seconds, or more memory than twice its size
// and 64 MB.
//
//   driver CORPUS [MUTATIONS]
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>
#include <random>
#include <string>
#include <vector>

#include <malloc.h>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::size_t live = 0, peak = 0;

void* counted(std::size_t size) {
  void* p = std::malloc(size > 0 ? size : 1);
  if (p == nullptr) throw std::bad_alloc();
  live += ::malloc_usable_size(p);
  peak = std::max(peak, live);
  return p;
}
void* counted(std::size_t size, std::align_val_t alignment) {
  const auto a = static_cast<std::size_t>(alignment);
  void* p = std::aligned_alloc(a, (size + a) / a * a);
  if (p == nullptr) throw std::bad_alloc();
  live += ::malloc_usable_size(p);
  peak = std::max(peak, live);
  return p;
}
void released(void* p) {
  if (p != nullptr) live -= ::malloc_usable_size(p);
  std::free(p);
}

using Bytes = std::vector<std::uint8_t>;
using Clock = std::chrono::steady_clock;

std::size_t largest = 0;
double slowest = 0;

void run(const Bytes& input, const std::string& name) {
  const auto begin = Clock::now();
  const std::size_t before = live;
  peak = live;
  LLVMFuzzerTestOneInput(input.data(), input.size());
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  const std::size_t used = peak - before;
  largest = std::max(largest, used);
  slowest = std::max(slowest, seconds);
  if (used > 2 * input.size() + (std::size_t{64} << 20) || seconds > 10) {
    std::fprintf(stderr, "%s: %zu bytes took %zu bytes of memory and %.1f s\n", name.c_str(), input.size(), used,
                 seconds);
    std::exit(1);
  }
}

/// Changes that break formats: bits, numbers at their limits, pieces left out, repeated or taken from another file.
Bytes changed(const std::vector<Bytes>& corpus, std::mt19937_64& random) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  Bytes x = corpus[below(corpus.size())];
  for (std::size_t n = 1 + below(4); n > 0 && !x.empty(); --n) {
    const std::size_t at = below(x.size()), length = 1 + below(std::min<std::size_t>(x.size() - at, 64));
    const auto place = x.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = place + static_cast<std::ptrdiff_t>(length);
    switch (below(7)) {
      case 0: *place = static_cast<std::uint8_t>(*place ^ (1U << below(8))); break;
      case 1: *place = static_cast<std::uint8_t>(random()); break;
      case 2: std::fill(place, end, static_cast<std::uint8_t>(below(2) * 0xFF)); break;
      case 3: x.erase(place, end); break;
      case 4: {
        const Bytes piece(place, end);
        x.insert(place, piece.begin(), piece.end());
        break;
      }
      case 5: x.resize(at); break;
      default: {
        const Bytes& other = corpus[below(corpus.size())];
        if (other.empty()) break;
        const std::size_t from = below(other.size()), count = std::min(length, other.size() - from);
        for (std::size_t i = 0; i < count; ++i) place[static_cast<std::ptrdiff_t>(i)] = other[from + i];
      }
    }
  }
  return x;
}

}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void* operator new(std::size_t size, std::align_val_t a) { return counted(size, a); }
void* operator new[](std::size_t size, std::align_val_t a) { return counted(size, a); }
void operator delete(void* p) noexcept { released(p); }
void operator delete[](void* p) noexcept { released(p); }
void operator delete(void* p, std::size_t) noexcept { released(p); }
void operator delete[](void* p, std::size_t) noexcept { released(p); }
void operator delete(void* p, std::align_val_t) noexcept { released(p); }
void operator delete[](void* p, std::align_val_t) noexcept { released(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { released(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { released(p); }

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<Bytes> corpus;
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    run(corpus.back(), file.string());
  }
  if (corpus.empty()) {
    std::fprintf(stderr, "%s holds no file\n", argv[1]);
    return 1;
  }
  run({}, "no bytes");
  const long mutations = argc > 2 ? std::atol(argv[2]) : 100'000;
  std::mt19937_64 random(1);
  for (long i = 0; i < mutations; ++i) run(changed(corpus, random), "mutation " + std::to_string(i));
  std::printf("%zu files and %ld mutations; at most %zu bytes of memory and %.4f s for one\n", files.size(), mutations,
              largest, slowest);
}
