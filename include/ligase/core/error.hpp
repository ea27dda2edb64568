#pragma once

#include <ligase/core/platform.hpp>

#include <exception>
#include <string>
#include <utility>

namespace ligase::inline LIGASE_ISA {

/// What went wrong, as far as a caller may want to react.
enum class ErrorKind {
  usage,     ///< a flag, option or configuration value
  input,     ///< the content of a file or a sequence
  shape,     ///< tensors or batches that do not fit together
  io,        ///< the operating system refused to read or write
  numeric,   ///< a result that is not a number
  internal,  ///< a broken promise inside the library
};

/// The one exception type. `what` says what is wrong, `where` names the file and line, record, flag or tensor, `expected`
/// and `found` may be empty. what() joins them to one sentence.
class Error : public std::exception {
 public:
  struct Fields {
    ErrorKind kind = ErrorKind::internal;
    std::string what;
    std::string where = {};
    std::string expected = {};
    std::string found = {};
  };

  explicit Error(Fields fields) : fields_(std::move(fields)), message_(compose(fields_)) {}

  const char* what() const noexcept override { return message_.c_str(); }
  ErrorKind kind() const noexcept { return fields_.kind; }
  const Fields& fields() const noexcept { return fields_; }

 private:
  static std::string compose(const Fields& f) {
    std::string text = f.where.empty() ? f.what : f.where + ": " + f.what;
    if (!f.expected.empty()) text += "; expected " + f.expected;
    if (!f.found.empty()) text += (f.expected.empty() ? "; found " : ", found ") + f.found;
    return text;
  }

  Fields fields_;
  std::string message_;
};

}  // namespace ligase::inline LIGASE_ISA
