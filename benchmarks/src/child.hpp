#pragma once

#include <common/program.hpp>

#include <ligase/core/error.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

namespace ligase_benchmark {

/// What a child process left: the text that it returned, and how it ended.
struct ChildResult {
  std::string text;
  bool ok = false;
  std::string end;                        ///< "exit 1", "signal 9"
  ligase::Index peak_resident_bytes = 0;  ///< of that process alone
};

/// Runs f, which returns a string, in a child process, so that its peak memory is its own. No thread may have been started
/// before: the OpenMP run time does not survive a fork.
template <class F>
ChildResult run_in_child(const char* program, F f) {
  int ends[2];
  std::fflush(stdout);
  if (pipe(ends) != 0) throw ligase::Error{{.kind = ligase::ErrorKind::io, .what = "cannot make a pipe"}};
  const pid_t child = fork();
  if (child < 0) throw ligase::Error{{.kind = ligase::ErrorKind::io, .what = "cannot start a child process"}};
  if (child == 0) {
    close(ends[0]);
    int code = 0;
    try {
      const std::string text = f();
      for (std::size_t done = 0; done < text.size();) {
        const ssize_t n = write(ends[1], text.data() + done, text.size() - done);
        if (n < 0 && errno != EINTR) break;
        if (n > 0) done += static_cast<std::size_t>(n);
      }
    } catch (...) {
      code = ligase_cli::report_exception(program);
    }
    _exit(code);
  }
  close(ends[1]);
  ChildResult result;
  char buffer[4096];
  for (;;) {
    const ssize_t n = read(ends[0], buffer, sizeof buffer);
    if (n > 0) result.text.append(buffer, static_cast<std::size_t>(n));
    if (n == 0 || (n < 0 && errno != EINTR)) break;
  }
  close(ends[0]);
  int status = 0;
  rusage usage{};
  while (wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  result.ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  result.end =
      WIFEXITED(status) ? "exit " + std::to_string(WEXITSTATUS(status)) : "signal " + std::to_string(WTERMSIG(status));
  result.peak_resident_bytes = static_cast<ligase::Index>(usage.ru_maxrss) * 1024;
  return result;
}

}  // namespace ligase_benchmark
