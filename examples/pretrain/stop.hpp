#pragma once

#include <csignal>
#include <initializer_list>

namespace pretrain {

/// The signal that asked the run to end, or 0.
inline volatile std::sig_atomic_t stop_signal = 0;

/// From here on SIGINT, SIGTERM and SIGHUP ask the run to end after its step; the second one of a kind ends the process as
/// usual. A signal that is ignored (nohup) stays ignored. A reader of stdout that goes away does not end the run.
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

}  // namespace pretrain
