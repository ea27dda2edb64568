#include <common/program.hpp>

#include <ligase/core/error.hpp>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <new>

namespace ligase_cli {
namespace {

std::string program_name(const char* argv0) { return std::filesystem::path(argv0).filename().string(); }

int report(const char* argv0, const std::string& sentence, int code) {
  std::fprintf(stderr, "%s: %s\n", program_name(argv0).c_str(), sentence.c_str());
  return code;
}

}  // namespace

int report_exception(const char* argv0) {
  try {
    throw;
  } catch (const ligase::Error& error) {
    const bool users = error.kind() == ligase::ErrorKind::usage || error.kind() == ligase::ErrorKind::input ||
                       error.kind() == ligase::ErrorKind::shape;
    return report(argv0, error.what(), users ? 2 : 1);
  } catch (const std::bad_alloc&) {
    return report(argv0, "out of memory", 1);
  } catch (const std::exception& error) {
    return report(argv0, error.what(), 1);
  } catch (...) {
    return report(argv0, "unknown exception", 1);
  }
}

void prepare_process() { std::signal(SIGXFSZ, SIG_IGN); }

int finish_output(const char* argv0) {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    return report(argv0, "standard output cannot be written", 1);
  return 0;
}

}  // namespace ligase_cli
