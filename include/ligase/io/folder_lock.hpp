#pragma once

#include <ligase/io/file.hpp>

#include <sys/file.h>

namespace ligase::inline LIGASE_ISA {

/// Keeps other processes that ask for the same lock out of a folder. The system gives it back when the process ends,
/// however it ends, and leaves no file behind. Throws kind `usage` where another process holds it, kind `io` where the folder
/// cannot be opened.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder)
      : folder_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (folder_.get() < 0) detail::throw_errno(ErrorKind::io, "cannot open the folder", folder, errno);
    if (::flock(folder_.get(), LOCK_EX | LOCK_NB) == 0) return;
    if (errno == EWOULDBLOCK)
      throw Error{{.kind = ErrorKind::usage, .what = "another process is writing to the folder", .where = folder.string()}};
    // Some network file systems know no locks; the run is as safe there as without one.
  }

 private:
  detail::Descriptor folder_;
};

}  // namespace ligase::inline LIGASE_ISA
