#include <common/program.hpp>

#include <ligase/core/error.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <new>
#include <string_view>
#include <system_error>
#include <utility>

namespace ligase_cli {
namespace {

std::string program_name(const char* argv0) { return std::filesystem::path(argv0).filename().string(); }

int report(const char* argv0, const std::string& sentence, int code) {
  std::fprintf(stderr, "%s: %s\n", one_line(program_name(argv0)).c_str(), one_line(sentence).c_str());
  return code;
}

/// what() would end at the first NUL of a file's content.
std::string sentence(const ligase::Error& error) {
  ligase::Error::Fields fields = error.fields();
  for (std::string* text : {&fields.what, &fields.where, &fields.expected, &fields.found}) *text = one_line(*text);
  return ligase::Error(std::move(fields)).what();
}

/// A path that cannot be looked at is the user's; what fails while writing is not.
int code_of(const std::error_code& error) {
  for (const std::errc users : {std::errc::filename_too_long, std::errc::too_many_symbolic_link_levels,
                                std::errc::permission_denied, std::errc::not_a_directory})
    if (error == users) return 2;
  return 1;
}

}  // namespace

std::string one_line(std::string_view text) {
  constexpr std::size_t most = 2000;
  constexpr std::string_view digits = "0123456789abcdef";
  std::string line;
  for (std::size_t i = 0; i < text.size() && line.size() < most;) {
    const std::size_t length = ligase_cli::utf8_length(text.substr(i));
    const auto byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F are control characters too.
    const bool is_control = byte < 0x20 || byte == 0x7F || (length == 2 && byte == 0xC2 && text[i + 1] < '\xA0');
    if (length == 0 || is_control) {
      line += {'\\', 'x', digits[byte >> 4U], digits[byte & 15U]};
      ++i;
    } else {
      line += text.substr(i, length);
      i += length;
    }
  }
  return line.size() < most ? line : line + "...";
}

int report_exception(const char* argv0) {
  try {
    throw;
  } catch (const ligase::Error& error) {
    const bool users = error.kind() == ligase::ErrorKind::usage || error.kind() == ligase::ErrorKind::input ||
                       error.kind() == ligase::ErrorKind::shape;
    return report(argv0, sentence(error), users ? 2 : 1);
  } catch (const std::filesystem::filesystem_error& error) {
    const bool named = !error.path1().empty();
    return report(argv0, (named ? error.path1().string() + ": " : "") + error.code().message(), code_of(error.code()));
  } catch (const std::bad_alloc&) {
    return report(argv0, "out of memory", 1);
  } catch (const std::exception& error) {
    return report(argv0, error.what(), 1);
  } catch (...) {
    return report(argv0, "unknown exception", 1);
  }
}

void prepare_process() {
  std::signal(SIGXFSZ, SIG_IGN);
  // A closed stream's number would go to the next file that is opened, and messages into that file. Writing to
  // this stand-in fails, as it did before.
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd)
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDONLY) < 0) return;
}

int finish_output(const char* argv0) {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    return report(argv0, "standard output cannot be written", 1);
  return 0;
}

}  // namespace ligase_cli
