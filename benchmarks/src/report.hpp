#pragma once

#include "limits.hpp"

#include <common/arguments.hpp>

#include <ligase/core/error.hpp>
#include <ligase/io/json.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ligase_benchmark {

using ligase::OrderedJson;

/// What every benchmark program takes.
struct Options {
  int threads = 1;
  bool quick = false;
  std::string only;
  std::string device = "cpu";
  std::filesystem::path json;
};

/// The cases that --only asks for, by the name that name(case) gives.
template <class Case, class Name>
std::vector<Case> chosen(std::vector<Case> cases, const Options& options, Name name) {
  std::erase_if(cases, [&](const Case& c) { return name(c).find(options.only) == std::string::npos; });
  return cases;
}

[[noreturn]] inline void refuse_only(const Options& options) {
  throw ligase::Error{{.kind = ligase::ErrorKind::usage,
                       .what = "no case has a name that holds this text",
                       .where = "--only",
                       .found = options.only}};
}

/// The same; none: Error usage.
template <class Case, class Name>
std::vector<Case> wanted(std::vector<Case> cases, const Options& options, Name name) {
  cases = chosen(std::move(cases), options, name);
  if (cases.empty()) refuse_only(options);
  return cases;
}

/// Nothing where --help was asked for and printed.
inline std::optional<Options> parse(int argc, char** argv, const std::string& program, const std::string& purpose) {
  ligase_cli::Arguments arguments(program, purpose, program + " --quick --json " + program + ".json");
  arguments.option("threads", "N", std::to_string(ligase::available_threads()), "threads")
      .option("json", "FILE", "", "results as one JSON object")
      .option("only", "TEXT", "", "cases whose name holds this text")
      .option("device", "cpu|cuda", "cpu", "where to compute")
      .toggle("quick", "nothing that takes longer than 10 s");
  if (!arguments.parse(argc, argv)) return std::nullopt;
  Options o;
  o.threads = static_cast<int>(arguments.whole("threads", 1, 1024));
  o.quick = arguments.on("quick");
  o.device = arguments.choice("device", {"cpu", "cuda"});
  if (arguments.given("only")) o.only = arguments.text("only");
  if (arguments.given("json")) o.json = arguments.path("json");
  return o;
}

/// "MODEL, N processors, vectors of 16 floats", with the model as /proc/cpuinfo names it.
inline std::string machine() {
  std::string name = "unknown processor", line;
  std::ifstream info("/proc/cpuinfo");
  while (std::getline(info, line))
    if (line.rfind("model name", 0) == 0) {
      name = line.substr(std::min(line.size(), line.find(':') + 2));
      break;
    }
  return name + ", " + std::to_string(ligase::available_threads()) + " processors, vectors of " +
         std::to_string(lanes) + " floats";
}

/// Date in UTC, YYYY-MM-DD.
inline std::string today() {
  const std::time_t t = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&t, &parts);
  char text[16];
  std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
  return text;
}

/// Processes that want a processor, averaged over the last minute; more than a few tenths before the start disturb the run.
inline double load() {
  double average = 0;
  return getloadavg(&average, 1) == 1 ? average : 0;
}

/// The JSON object of one run.
class Report {
 public:
  Report(const std::string& program, const Options& options)
      : file_(options.json), json_{{"benchmark", program},
                                   {"date", today()},
                                   {"machine", machine()},
                                   {"compiler", __VERSION__},
                                   {"device", options.device},
                                   {"number_type", options.device == "cpu" ? "float" : "as each result says"},
                                   {"threads", options.threads},
                                   {"load_at_start", load()},
                                   {"quick", options.quick},
                                   {"limits", nullptr},
                                   {"results", OrderedJson::array()}} {
    save();
  }

  void set_limits(const Limits& limits) {
    json_["limits"] = limits.json();
    std::printf(
        "%s; limits on %d threads: product %.0f GFLOP/s, copy %.1f GB/s, exp %.1f G/s, multiply-add %.2f G vectors/s "
        "(%.2f on one)\n",
        machine().c_str(), limits.threads, limits.product * 1e-9, limits.copy * 1e-9, limits.exps * 1e-9,
        limits.fma * 1e-9, limits.fma_one_thread * 1e-9);
    if (limits.fma < 0.9 * limits.threads * limits.fma_one_thread)
      std::printf(
          "warning: %d threads together do %.1f times the work of one: the machine is busy, or has fewer cores\n",
          limits.threads, limits.fma / limits.fma_one_thread);
  }
  void set_gpu_limits(OrderedJson limits) {
    json_["limits"] = std::move(limits);
    std::printf("%s\n", json_["limits"].dump().c_str());
  }
  void add(OrderedJson row) { json_["results"].push_back(std::move(row)); }
  /// Writes what there is, where a file was asked for.
  void save() const {
    if (!file_.empty()) ligase::write_json_file(file_, json_);
  }

 private:
  std::filesystem::path file_;
  OrderedJson json_;
};

inline OrderedJson timing_json(const Timing& t) {
  return {{"seconds", t.median},
          {"seconds_least", t.least},
          {"seconds_most", t.most},
          {"spread", t.spread()},
          {"repetitions", t.repetitions}};
}

}  // namespace ligase_benchmark
