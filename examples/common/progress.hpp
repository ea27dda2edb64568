#pragma once

#include <ligase/core/platform.hpp>

#include <chrono>
#include <string>

namespace ligase_cli {

/// Shows on stderr how far long work has come, at what rate, and how long it will still take: a bar on a terminal, else a
/// plain line every five seconds. Says nothing when quiet. The rate counts what was done since construction.
class Progress {
 public:
  /// `done` of `total` units are done already (a resumed run). `unit` is a plural: "steps".
  Progress(std::string label, std::string unit, ligase::Index total, bool quiet, ligase::Index done = 0);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// Ends the line of an unfinished bar, so that an error message starts on its own.
  ~Progress();

  /// `note` stands at the end of the line: "loss 1.234".
  void update(ligase::Index done, const std::string& note = {});
  /// The last line; further calls do nothing.
  void finish(const std::string& note = {});

 private:
  using Clock = std::chrono::steady_clock;

  void show(const std::string& note, bool last);

  std::string label_, unit_;
  ligase::Index total_, first_, done_;
  bool quiet_, terminal_, finished_ = false, line_open_ = false;
  Clock::time_point start_, shown_;
};

/// "1:02:03" or "4:05"
std::string clock_text(double seconds);

}  // namespace ligase_cli
