#include <ligase/core/error.hpp>

#include <doctest/doctest.h>

#include <string>

using ligase::Error;
using ligase::ErrorKind;

TEST_CASE("an error is one sentence, without the fields that are empty") {
  const auto text = [](Error::Fields fields) { return std::string(Error{fields}.what()); };
  CHECK(text({.what = "file is empty"}) == "file is empty");
  CHECK(text({.what = "file is empty", .where = "a.fa"}) == "a.fa: file is empty");
  CHECK(text({.what = "bad letter", .where = "a.fa:3", .found = "'@'"}) == "a.fa:3: bad letter; found '@'");
  CHECK(text({.what = "bad letter", .where = "a.fa:3", .expected = "A, C, G, T or N", .found = "'@'"}) ==
        "a.fa:3: bad letter; expected A, C, G, T or N, found '@'");
}

TEST_CASE("an error keeps its kind and fields") {
  const Error error{{.kind = ErrorKind::input, .what = "w", .where = "p", .expected = "e", .found = "f"}};
  CHECK(error.kind() == ErrorKind::input);
  CHECK(error.fields().what == "w");
  CHECK(error.fields().where == "p");
  CHECK(error.fields().expected == "e");
  CHECK(error.fields().found == "f");
  CHECK(Error{{.what = "w"}}.kind() == ErrorKind::internal);
}

TEST_CASE("an error is a standard exception and can be copied") {
  const Error error{{.what = "w", .where = "p"}};
  const Error copy = error;
  const std::exception& base = copy;
  CHECK(std::string(base.what()) == "p: w");
}
