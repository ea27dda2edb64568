#pragma once

#include <ligase/core/error.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

namespace detail {

[[noreturn]] inline void throw_errno(ErrorKind kind, const char* what, const std::filesystem::path& path, int code) {
  throw Error{{.kind = kind, .what = what, .where = path.string(), .found = std::strerror(code)}};
}

/// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

/// Opens a regular file to read and returns its size. A file that is missing, unreadable or no file is bad input.
inline Descriptor open_to_read(const std::filesystem::path& path, std::size_t& size) {
  // O_NONBLOCK: opening a FIFO must fail below, not wait for a writer.
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) throw_errno(ErrorKind::input, "cannot open the file", path, errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw_errno(ErrorKind::io, "cannot read the file's size", path, errno);
  if (!S_ISREG(status.st_mode))
    throw Error{{.kind = ErrorKind::input,
                 .what = "not a file",
                 .where = path.string(),
                 .expected = "a regular file",
                 .found = S_ISDIR(status.st_mode) ? "a folder" : "a pipe or device"}};
  size = static_cast<std::size_t>(status.st_size);
  return fd;
}

}  // namespace detail

/// Makes a folder and those above it. Throws kind `io`.
inline void make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    throw Error{
        {.kind = ErrorKind::io, .what = "cannot make the folder", .where = folder.string(), .found = error.message()}};
}

/// A whole file in memory, read only, pages loaded on demand. The bytes are valid as long as the object (moves keep them).
/// Throws kind `input` where the file is missing, unreadable or not a regular file, kind `io` where mapping fails.
/// Another process that shortens the file while it is mapped kills this one (SIGBUS); ligase itself replaces files whole.
class MappedFile {
 public:
  MappedFile() = default;
  explicit MappedFile(std::filesystem::path path) : path_(std::move(path)) {
    const detail::Descriptor fd = detail::open_to_read(path_, size_);
    if (size_ == 0) return;
    void* p = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    if (p == MAP_FAILED) detail::throw_errno(ErrorKind::io, "cannot map the file into memory", path_, errno);
    data_ = static_cast<const std::byte*>(p);
  }
  MappedFile(MappedFile&& other) noexcept { swap(other); }
  MappedFile& operator=(MappedFile&& other) noexcept {
    MappedFile taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~MappedFile() {
    if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
  }

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }
  const std::filesystem::path& path() const { return path_; }

 private:
  void swap(MappedFile& other) noexcept {
    path_.swap(other.path_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// The content of a file. Errors as MappedFile's; also reads files that grow meanwhile.
inline std::string read_file(const std::filesystem::path& path) {
  std::size_t size = 0;
  const detail::Descriptor fd = detail::open_to_read(path, size);
  std::string text(size + 1, '\0');
  std::size_t filled = 0;
  for (;;) {
    if (filled == text.size()) text.resize(2 * text.size());
    const ssize_t n = ::read(fd.get(), text.data() + filled, text.size() - filled);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) detail::throw_errno(ErrorKind::io, "cannot read the file", path, errno);
    if (n == 0) break;
    filled += static_cast<std::size_t>(n);
  }
  text.resize(filled);
  return text;
}

/// Makes a rename inside the folder survive a power cut.
inline void sync_folder(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder.empty() ? "." : folder;
  const detail::Descriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) detail::throw_errno(ErrorKind::io, "cannot open the folder", path, errno);
  // EINVAL: the file system has nothing to sync for folders.
  if (::fsync(fd.get()) != 0 && errno != EINVAL)
    detail::throw_errno(ErrorKind::io, "cannot sync the folder", path, errno);
}

/// Writes a file that appears under its name only when complete: the bytes go to a hidden temporary file in the same
/// folder; commit() syncs it, renames it over `path` and syncs the folder. Without commit() nothing is left behind and an
/// older file of that name stays as it was. Every failure throws kind `io` with the path and the system's reason.
/// A link is followed, so that what it names is replaced; folders, pipes and devices are refused.
/// A process that wants EFBIG instead of death at its file-size limit ignores SIGXFSZ.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path) : path_(std::move(path)) {
    struct stat status {};
    if (::stat(path_.c_str(), &status) == 0) {
      if (!S_ISREG(status.st_mode))
        detail::throw_errno(ErrorKind::io, "cannot write the file", path_, S_ISDIR(status.st_mode) ? EISDIR : EINVAL);
      std::error_code failed;
      if (std::filesystem::is_symlink(path_, failed)) path_ = std::filesystem::canonical(path_, failed);
      if (failed) detail::throw_errno(ErrorKind::io, "cannot write the file", path_, failed.value());
    }
    static std::atomic<unsigned> counter{0};
    for (;;) {
      temporary_ = path_.parent_path() / ("." + path_.filename().string() + "." + std::to_string(::getpid()) + "-" +
                                          std::to_string(counter++) + ".tmp");
      fd_ = detail::Descriptor(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
      if (fd_.get() >= 0) break;
      if (errno != EEXIST) detail::throw_errno(ErrorKind::io, "cannot write the file", path_, errno);
    }
    buffer_.reserve(buffer_bytes);
  }
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile() {
    if (!committed_) ::unlink(temporary_.c_str());
  }

  void write(std::span<const std::byte> bytes) {
    if (buffer_.size() + bytes.size() > buffer_bytes) flush();
    if (bytes.size() >= buffer_bytes)
      write_through(bytes);
    else
      buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
  void write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }

  /// Call once, last.
  void commit() {
    flush();
    if (::fsync(fd_.get()) != 0) detail::throw_errno(ErrorKind::io, "cannot sync the file", path_, errno);
    if (::close(fd_.release()) != 0) detail::throw_errno(ErrorKind::io, "cannot close the file", path_, errno);
    if (::rename(temporary_.c_str(), path_.c_str()) != 0)
      detail::throw_errno(ErrorKind::io, "cannot rename the finished file", path_, errno);
    committed_ = true;
    sync_folder(path_.parent_path());
  }

  const std::filesystem::path& path() const { return path_; }

 private:
  static constexpr std::size_t buffer_bytes = std::size_t{1} << 18;

  void flush() {
    write_through(buffer_);
    buffer_.clear();
  }
  void write_through(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      // One write moves at most 2 GiB.
      const ssize_t n = ::write(fd_.get(), bytes.data(), std::min(bytes.size(), std::size_t{1} << 30));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) detail::throw_errno(ErrorKind::io, "cannot write the file", path_, errno);
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
  }

  std::filesystem::path path_, temporary_;
  detail::Descriptor fd_;
  std::vector<std::byte> buffer_;
  bool committed_ = false;
};

/// Writes `text` to `path` as AtomicFile does.
inline void write_file(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace ligase::inline LIGASE_ISA
