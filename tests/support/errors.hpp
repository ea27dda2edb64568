#pragma once

#include <doctest/doctest.h>
#include <ligase/core/error.hpp>

#include <string>

namespace ligase_test {

/// The ligase::Error that f throws; none is a failure of the test.
template <class F>
ligase::Error error_of(F&& f) {
  try {
    f();
  } catch (const ligase::Error& e) {
    return e;
  }
  FAIL("no ligase::Error was thrown");
  return ligase::Error{{}};
}

/// The message of the error of kind input that f throws, or "no error".
template <class F>
std::string input_error(F&& f) {
  try {
    f();
  } catch (const ligase::Error& error) {
    CHECK(error.kind() == ligase::ErrorKind::input);
    return error.what();
  }
  return "no error";
}

}  // namespace ligase_test
