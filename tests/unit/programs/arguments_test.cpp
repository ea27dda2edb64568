#include <common/arguments.hpp>

#include <ligase/core/error.hpp>

#include <doctest/doctest.h>

namespace {

ligase_cli::Arguments declared() {
  ligase_cli::Arguments arguments("tool", "Does things.", "tool --out x");
  arguments.required("out", "FILE", "result").option("steps", "N", "10", "steps").option("rate", "X", "0.5", "rate");
  arguments.option("model", "NAME", "mamba", "model").toggle("overwrite", "replace").common_flags();
  return arguments;
}

ligase_cli::Arguments parsed(std::vector<const char*> words) {
  words.insert(words.begin(), "tool");
  ligase_cli::Arguments arguments = declared();
  const bool goes_on = arguments.parse(static_cast<int>(words.size()), words.data());
  CHECK(goes_on);
  return arguments;
}

/// The sentence with which the command line is refused, or `ask` refuses a value.
template <class Ask>
std::string refusal(const std::vector<const char*>& words, Ask&& ask) {
  try {
    ask(parsed(words));
  } catch (const ligase::Error& error) {
    CHECK(error.kind() == ligase::ErrorKind::usage);
    return error.what();
  }
  return "accepted";
}

std::string refusal(const std::vector<const char*>& words) {
  return refusal(words, [](const auto&) {});
}

}  // namespace

TEST_CASE("flags have defaults and take values in both forms") {
  const auto a = parsed({"--out", "a,b", "--steps=25", "--overwrite", "--seed", "7"});
  CHECK(a.path("out") == "a,b");
  CHECK(a.positive("steps") == 25);
  CHECK(a.given("steps"));
  CHECK_FALSE(a.given("rate"));
  CHECK(a.real("rate") == 0.5);
  CHECK(a.on("overwrite"));
  CHECK(a.common().seed == 7);
  CHECK(a.common().device == "cpu");
  CHECK(a.common().threads >= 1);
  CHECK_FALSE(a.common().quiet);
}

TEST_CASE("unknown flags are refused with the nearest one") {
  CHECK(refusal({"--out", "x", "--stesp", "3"}) == "--stesp: unknown flag (did you mean '--steps'?)");
  CHECK(refusal({"--out", "x", "--stesp=3"}) == "--stesp: unknown flag (did you mean '--steps'?)");
  CHECK(refusal({"--out", "x", "--STEPS", "3"}) == "--STEPS: unknown flag (did you mean '--steps'?)");
  CHECK(refusal({"--out", "x", "-q"}) == "-q: unknown flag (did you mean '--quiet'?)");
  CHECK(refusal({"--out", "x", "--version"}) == "--version: unknown flag (did you mean '--precision'?)");
  CHECK(refusal({"--out", "x", "--xyzzyplugh"}) == "--xyzzyplugh: unknown flag");
  CHECK(refusal({"--out", "x", "--rest", "y"}).starts_with("--rest: unknown flag"));
  CHECK(refusal({"-hx"}) == "-hx: unknown flag");
  CHECK(refusal({"--help=5"}) == "--help: takes no value; found '5'");
  CHECK(refusal({"--out", "x", "--", "y"}) == "--: unknown flag");
  CHECK(refusal({"--out", "x", "-steps", "3"}) == "-steps: unknown flag (did you mean '--steps'?)");
  CHECK(refusal({"--out", "x", "stray"}) == "'stray': is no flag of tool; values follow a --flag");
}

TEST_CASE("missing flags, missing values and repeated flags are refused") {
  CHECK(refusal({"--steps", "3"}) == "--out: has to be given; expected FILE");
  CHECK(refusal({"--out", "--overwrite"}) == "--out: has no value; expected FILE, found --overwrite");
  CHECK(refusal({"--out", ""}) == "--out: has no value; expected FILE");
  CHECK(refusal({"--steps", "3", "--out"}) == "--out: has no value; expected FILE");
  CHECK(refusal({"--out", "", "--steps", "3"}) == "--out: has no value; expected FILE");
  CHECK(refusal({"--out", "x", "--overwrite=false"}) == "--overwrite: takes no value; found 'false'");
  CHECK(refusal({"--out", "x\xFF"}) == "'x\xFF': holds a byte that is no UTF-8; expected names in UTF-8");
  CHECK(refusal({"--out", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\xA7\xAC"}) == "accepted");
  CHECK(refusal({"--out", "x", "--steps", "3", "--steps", "4"}) == "--steps: is given 2 times");
}

TEST_CASE("numbers are read whole and within their range") {
  const auto steps = [](const char* value) {
    return refusal({"--out", "x", "--steps", value}, [](const auto& a) { a.positive("steps"); });
  };
  for (const char* bad : {"0", "-5", "3.5", "3x", "x", "nan", " 3", "0x10"})
    CHECK(steps(bad) == "--steps: bad value; expected a whole number of at least 1, found '" + std::string(bad) + "'");
  CHECK(steps("9223372036854775808") ==
        "--steps: bad value; expected a whole number from 1 to 9223372036854775807, found '9223372036854775808'");
  CHECK(steps("9223372036854775807") == "accepted");

  const auto rate = [](const char* value) {
    return refusal({"--out", "x", "--rate", value}, [](const auto& a) { a.probability("rate"); });
  };
  for (const char* bad : {"-0.1", "1.5", "nan", "inf", "1e999", "half"})
    CHECK(rate(bad) == "--rate: bad value; expected a number from 0 to 1, found '" + std::string(bad) + "'");
  for (const char* good : {"0", "1", "0.15", "1e-3"}) CHECK(rate(good) == "accepted");
  CHECK(refusal({"--out", "x", "--rate", "0"}, [](const auto& a) { a.positive_real("rate"); }) ==
        "--rate: bad value; expected a finite number above 0, found '0'");
}

TEST_CASE("choices and common flags are checked") {
  const std::vector<std::string> models{"caduceus-ps", "caduceus-ph", "mamba"};
  CHECK(refusal({"--out", "x", "--model", "caduceus-sp"}, [&](const auto& a) { a.choice("model", models); }) ==
        "--model: unknown value (did you mean 'caduceus-ps'?); expected one of caduceus-ps, caduceus-ph, mamba, found "
        "'caduceus-sp'");
  const auto common = [](const auto& a) { a.common(); };
  CHECK(refusal({"--out", "x", "--precision", "bf16"}, common).find("needs --device cuda") != std::string::npos);
  CHECK(refusal({"--out", "x", "--threads", "0"}, common).find("--threads: bad value") == 0);
  CHECK(refusal({"--out", "x", "--seed", "-1"}, common).find("--seed: bad value") == 0);
}

TEST_CASE("lists are split at commas, and words without a flag are kept") {
  const auto a = parsed({"--out", "x", "--model", "1,2,30"});
  CHECK(a.whole_list("model", 1) == std::vector<ligase::Index>{1, 2, 30});
  CHECK(refusal({"--out", "x", "--model", "1,,2"}, [](const auto& b) { b.list("model"); }).find("empty item") !=
        std::string::npos);
  ligase_cli::Arguments positional("verify", "Checks.", "verify a");
  positional.positional("DIR...", "folders").toggle("quiet", "less");
  const char* words[] = {"verify", "a", "b,c", "--quiet", "d"};
  REQUIRE(positional.parse(5, words));
  CHECK(positional.rest() == std::vector<std::string>{"a", "b,c", "d"});
  const char* hidden[] = {"verify", "--rest", "a"};
  CHECK_THROWS_AS((void)positional.parse(3, hidden), ligase::Error);
}

TEST_CASE("the nearest name counts an exchange of neighbours once, and no capitals; a beginning is nearest") {
  CHECK(ligase_cli::nearest("MLM", {"causal", "mlm"}) == "mlm");
  CHECK(ligase_cli::nearest("caduceus", {"mamba", "caduceus-ps"}) == "caduceus-ps");
  CHECK(ligase_cli::nearest("stesp", {"stem", "steps"}) == "steps");
  CHECK(ligase_cli::nearest("q", {"steps"}).empty());
}
