#include <common/progress.hpp>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

namespace ligase_cli {
namespace {

using ligase::Index;

constexpr std::chrono::milliseconds terminal_interval{100}, plain_interval{5000};

std::size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/// Three digits: 0.0123, 1.23, 12.3, 123, 45678.
std::string rate_text(double rate) {
  char text[32];
  std::snprintf(text, sizeof text, rate < 1000 ? "%.3g" : "%.0f", rate);
  return text;
}

}  // namespace

std::string clock_text(double seconds) {
  const auto s = static_cast<long long>(std::llround(std::clamp(seconds, 0.0, 3.6e9)));
  char text[48];
  if (s >= 3600)
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
  else
    std::snprintf(text, sizeof text, "%lld:%02lld", s / 60, s % 60);
  return text;
}

Progress::Progress(std::string label, std::string unit, Index total, bool quiet, Index done)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      first_(done),
      done_(done),
      quiet_(quiet),
      terminal_(isatty(STDERR_FILENO) == 1),
      start_(Clock::now()),
      shown_(start_ - plain_interval) {}

Progress::~Progress() {
  if (line_open_) std::fputc('\n', stderr);
}

void Progress::update(Index done, const std::string& note) {
  done_ = done;
  if (quiet_ || finished_) return;
  if (Clock::now() - shown_ >= (terminal_ ? terminal_interval : plain_interval)) show(note, false);
}

void Progress::finish(const std::string& note) {
  if (quiet_ || finished_) return;
  show(note, true);
  finished_ = true;
}

void Progress::show(const std::string& note, bool last) {
  shown_ = Clock::now();
  const double seconds = std::chrono::duration<double>(shown_ - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done_ - first_) / seconds : 0;
  const double share = total_ > 0 ? std::clamp(static_cast<double>(done_) / static_cast<double>(total_), 0.0, 1.0) : 1;

  std::string line = label_ + " ";
  if (terminal_) {
    constexpr int width = 24;
    const int filled = static_cast<int>(share * width);
    line += "[" + std::string(static_cast<std::size_t>(filled), '#') +
            std::string(static_cast<std::size_t>(width - filled), '.') + "] ";
  }
  line += std::to_string(done_) + "/" + std::to_string(total_) + " " + unit_;
  if (done_ > first_) line += ", " + rate_text(rate) + "/s";
  if (last)
    line += ", took " + clock_text(seconds);
  else if (rate > 0)
    line += ", " + clock_text(static_cast<double>(total_ - done_) / rate) + " left";
  if (!note.empty()) line += ", " + note;

  if (terminal_) {
    line.resize(std::min(line.size(), terminal_width() - 1));
    std::fprintf(stderr, "\r%s\033[K%s", line.c_str(), last ? "\n" : "");
    line_open_ = !last;
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
  std::fflush(stderr);
}

}  // namespace ligase_cli
