#pragma once

#include <htslib/bgzf.h>
#include <stdlib.h>
#include <zlib.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

namespace ligase_test {

/// A folder of its own for one test; LIGASE_CACHE points into it while it lives.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "ligase-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
    path_ = name;
    if (const char* old = std::getenv("LIGASE_CACHE")) before_ = old;
    ::setenv("LIGASE_CACHE", cache().c_str(), 1);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    if (before_.empty())
      ::unsetenv("LIGASE_CACHE");
    else
      ::setenv("LIGASE_CACHE", before_.c_str(), 1);
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path cache() const { return path_ / "cache"; }

  std::filesystem::path plain(const std::string& name, std::string_view text) const {
    std::ofstream out(path_ / name, std::ios::binary | std::ios::trunc);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    return path_ / name;
  }
  std::filesystem::path gzip(const std::string& name, std::string_view text) const {
    const std::filesystem::path path = path_ / name;
    const gzFile out = gzopen(path.c_str(), "wb6");
    gzwrite(out, text.data(), static_cast<unsigned>(text.size()));
    gzclose(out);
    return path;
  }
  std::filesystem::path bgzip(const std::string& name, std::string_view text, const char* mode = "w6") const {
    const std::filesystem::path path = path_ / name;
    BGZF* const out = bgzf_open(path.c_str(), mode);
    if (bgzf_write(out, text.data(), text.size()) < 0 || bgzf_close(out) != 0) throw std::runtime_error("bgzip");
    return path;
  }

  static std::string read(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// Number of files in the cache whose name ends so.
  int cached(std::string_view ending) const {
    int n = 0;
    if (std::filesystem::exists(cache()))
      for (const auto& entry : std::filesystem::directory_iterator(cache()))
        n += entry.path().string().ends_with(ending) ? 1 : 0;
    return n;
  }
  int files() const { return static_cast<int>(std::distance(std::filesystem::directory_iterator(path_), {})); }

 private:
  std::filesystem::path path_;
  std::string before_;
};

}  // namespace ligase_test
