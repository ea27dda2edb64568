#pragma once

#include <ligase/core/error.hpp>

#include <csignal>
#include <initializer_list>
#include <string>

namespace ligase_cli {

/// The signal that asked the program to end, or 0.
inline volatile std::sig_atomic_t stop_signal = 0;

/// From here on SIGINT, SIGTERM and SIGHUP ask the program to end after its step; the second one of a kind ends the process as
/// usual. A signal that is ignored (nohup) stays ignored. A reader of stdout that goes away does not end the program.
inline void listen_for_stop() {
  std::signal(SIGPIPE, SIG_IGN);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before = {};
    if (::sigaction(number, nullptr, &before) != 0 || before.sa_handler == SIG_IGN) continue;
    struct sigaction action = {};
    action.sa_handler = [](int n) { stop_signal = n; };
    action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
    ::sigaction(number, &action, nullptr);
  }
}

/// Ends work that has nothing to save, so that temporary files go.
inline void check_stop() {
  if (stop_signal != 0)
    throw ligase::Error{{.kind = ligase::ErrorKind::io, .what = "stopped by signal " + std::to_string(stop_signal)}};
}

}  // namespace ligase_cli
