#pragma once

#include <ligase/io/file.hpp>
#include <ligase/io/json.hpp>

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>
#include <cerrno>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace ligase::inline LIGASE_ISA {

/// One optimiser step, as a line of log.jsonl tells it.
struct StepReport {
  Index step = 0;    ///< 1 for the first one: steps made after it
  Index tokens = 0;  ///< ids of the step's input batches, each once
  double loss = 0;   ///< mean over the step's micro-batches
  double learning_rate = 0;
  double grad_norm = 0;          ///< of the averaged gradient, before clipping
  double tokens_per_second = 0;  ///< tokens over the time since the line before, saving taken out
};

/// A JSON object on one line, without the newline. Numbers read back to the same bits; NaN and infinities become null.
template <class J = OrderedJson>
std::string to_json_line(const StepReport& r) {
  J line;
  line["step"] = r.step;
  line["tokens"] = r.tokens;
  line["loss"] = r.loss;
  line["learning_rate"] = r.learning_rate;
  line["grad_norm"] = r.grad_norm;
  line["tokens_per_second"] = r.tokens_per_second;
  return dump_json(line, -1);
}

/// Reads one line; `where` (file and line number) goes into messages. Throws kind `input`.
template <class J = Json>
StepReport parse_step_report(std::string_view line, const std::string& where) {
  const J json = parse_json<J>(line, where);
  const auto real = [&](const char* field) {
    return field_or<double>(json, field, std::numeric_limits<double>::quiet_NaN(), where);
  };
  return {.step = require<Index>(json, "step", where),
          .tokens = require<Index>(json, "tokens", where),
          .loss = real("loss"),
          .learning_rate = real("learning_rate"),
          .grad_norm = real("grad_norm"),
          .tokens_per_second = real("tokens_per_second")};
}

namespace detail {
/// Calls f(report, end of the line in `text`) for each complete line of a log until it returns false. A last line
/// without newline is what a killed writer left: it does not count. Steps must rise.
template <class F>
void for_each_step(std::string_view text, const std::string& file, F&& f) {
  Index line_number = 0, step = 0;
  for (std::size_t begin = 0;;) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) return;
    const std::string where = file + ":" + std::to_string(++line_number);
    const StepReport report = parse_step_report(text.substr(begin, end - begin), where);
    if (report.step <= step)
      throw Error{{.kind = ErrorKind::input,
                   .what = "steps do not rise",
                   .where = where,
                   .expected = "a step above " + std::to_string(step),
                   .found = std::to_string(report.step)}};
    step = report.step;
    begin = end + 1;
    if (!f(report, begin)) return;
  }
}

/// Bytes of the lines up to and including `last_step`. What follows is not looked at: after a power cut it may be
/// anything.
inline std::size_t log_bytes_until(std::string_view text, Index last_step, const std::string& file) {
  std::size_t bytes = 0;
  for_each_step(text, file, [&](const StepReport& report, std::size_t end) {
    if (report.step <= last_step) bytes = end;
    return report.step < last_step;
  });
  return bytes;
}
}  // namespace detail

/// All complete lines of a log. Throws kind `input` with file and line.
inline std::vector<StepReport> read_training_log(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  std::vector<StepReport> reports;
  detail::for_each_step(text, path.string(), [&](const StepReport& report, std::size_t) {
    reports.push_back(report);
    return true;
  });
  return reports;
}

/// Appends to log.jsonl. A line is given to the system at once, so it outlives the process; sync() makes all lines
/// outlive a power cut, and is called before a state is saved: a log never lacks a step that the state has. Failures
/// throw kind `io` and leave whole lines only.
class TrainingLog {
 public:
  /// Belongs to no file.
  TrainingLog() = default;

  /// An empty log; one that is there is replaced.
  static TrainingLog create(const std::filesystem::path& path) {
    write_file(path, "");
    return TrainingLog(path);
  }
  /// The log cut back to the lines up to `last_step`; a missing one is created.
  static TrainingLog resume(const std::filesystem::path& path, Index last_step) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) return create(path);
    const std::string text = read_file(path);
    const std::size_t bytes = detail::log_bytes_until(text, last_step, path.string());
    if (bytes < text.size()) write_file(path, std::string_view(text).substr(0, bytes));
    return TrainingLog(path);
  }

  template <class J = OrderedJson>
  void append(const StepReport& report) {
    const std::string line = to_json_line<J>(report) + "\n";
    for (std::string_view rest = line; !rest.empty();) {
      const ssize_t n = ::write(fd_.get(), rest.data(), rest.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        const int code = errno;
        [[maybe_unused]] const int ignored = ::ftruncate(fd_.get(), size_);
        detail::throw_errno(ErrorKind::io, "cannot write the log", path_, code);
      }
      rest.remove_prefix(static_cast<std::size_t>(n));
    }
    size_ += static_cast<off_t>(line.size());
  }

  void sync() {
    if (::fsync(fd_.get()) != 0) detail::throw_errno(ErrorKind::io, "cannot sync the log", path_, errno);
  }

 private:
  explicit TrainingLog(std::filesystem::path path)
      : path_(std::move(path)), fd_(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)) {
    if (fd_.get() < 0) detail::throw_errno(ErrorKind::io, "cannot write the log", path_, errno);
    size_ = ::lseek(fd_.get(), 0, SEEK_END);
  }

  std::filesystem::path path_;
  detail::Descriptor fd_;
  off_t size_ = 0;
};

}  // namespace ligase::inline LIGASE_ISA
