#pragma once

#include <common/arguments.hpp>

#include <string>
#include <string_view>
#include <type_traits>

namespace ligase_cli {

/// Text from outside for one line of a terminal: control characters and bytes that are no UTF-8 become \xNN, and what is
/// longer than 2,000 bytes is cut.
std::string one_line(std::string_view text);

/// Prints the exception that is being handled as one sentence on stderr, "name: ...", and returns the exit code: 2 for bad
/// usage and bad input (usage, input, shape), 1 for everything else. To be called inside a catch block.
int report_exception(const char* argv0);

/// Lets a full disk or file-size limit come back as an error instead of a signal, and keeps the numbers of closed standard
/// streams away from files.
void prepare_process();

/// 0 where all of stdout could be written, else 1 and a sentence on stderr.
int finish_output(const char* argv0);

/// The body of main: runs body(argc, argv), which returns nothing or an exit code, and turns exceptions into exit codes.
template <class Body>
int run_program(int argc, char** argv, Body&& body) {
  try {
    prepare_process();
    if constexpr (std::is_void_v<decltype(body(argc, argv))>) {
      body(argc, argv);
    } else {
      if (const int code = body(argc, argv); code != 0) return code;
    }
    return finish_output(argv[0]);
  } catch (...) {
    return report_exception(argv[0]);
  }
}

}  // namespace ligase_cli
