#include <doctest/doctest.h>

#include <ligase/io/json.hpp>

#include <unit/io/temporary_folder.hpp>

using namespace ligase;

namespace {

template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    CHECK(e.kind() == ErrorKind::input);
    return e.what();
  }
  FAIL("no ligase::Error was thrown");
  return {};
}

const Json& config() {
  static const Json document = parse_json(
      R"({"d_model": 118, "rcps": true, "norm_epsilon": 1e-05, "model_type": "caduceus", "dt_rank": null, "big": 18446744073709551615,
          "negative": -1, "whole": 2.0, "shape": [2, 3], "map": {"7": 10}, "ssm_cfg": {"d_state": 16}})",
      "config.json");
  return document;
}

}  // namespace

TEST_CASE("fields come with their type") {
  const std::string file = "config.json";
  CHECK(require<Index>(config(), "d_model", file) == 118);
  CHECK(require<bool>(config(), "rcps", file));
  CHECK(require<double>(config(), "norm_epsilon", file) == 1e-5);
  CHECK(require<double>(config(), "d_model", file) == 118);
  CHECK(require<std::string>(config(), "model_type", file) == "caduceus");
  CHECK(require<std::vector<int>>(config(), "shape", file) == std::vector{2, 3});
  CHECK(require<std::map<std::string, int>>(config(), "map", file).at("7") == 10);
  CHECK(require<std::uint64_t>(config(), "big", file) == ~std::uint64_t{0});
  CHECK(require<int>(require<Json>(config(), "ssm_cfg", file), "d_state", file + ": ssm_cfg") == 16);
}

TEST_CASE("missing and null fields are optional") {
  CHECK_FALSE(optional_field<int>(config(), "absent", "f"));
  CHECK_FALSE(optional_field<int>(config(), "dt_rank", "f"));
  CHECK(optional_field<int>(config(), "negative", "f") == -1);
  CHECK(field_or<Index>(config(), "absent", 7, "f") == 7);
  CHECK(field_or<std::string>(config(), "model_type", "mamba", "f") == "caduceus");
}

TEST_CASE("wrong fields are named with what was expected and found") {
  const auto get = [](auto type, const char* field) {
    return message_of([&] { require<decltype(type)>(config(), field, "config.json"); });
  };
  CHECK(get(0, "absent") == "config.json: the field \"absent\" is missing");
  CHECK(get(0, "rcps") ==
        "config.json: field \"rcps\": wrong type or value; expected an integer from -2147483648 to 2147483647, found "
        "true");
  CHECK(get(true, "d_model") ==
        "config.json: field \"d_model\": wrong type or value; expected true or false, found 118");
  CHECK(get(1.0, "model_type").ends_with("expected a number, found \"caduceus\""));
  CHECK(get(std::string(), "shape").ends_with("expected a string, found an array of 2"));
  CHECK(get(Index{0}, "whole").ends_with("found 2.0"));
  CHECK(get(Index{0}, "big").ends_with("found 18446744073709551615"));
  CHECK(get(std::int8_t{0}, "big").find("from -128 to 127") != std::string::npos);
  CHECK(get(std::uint64_t{0}, "negative").ends_with("found -1"));
  CHECK(get(Index{0}, "dt_rank").ends_with("found null"));
  CHECK(get(std::vector<std::string>(), "shape") ==
        "config.json: field \"shape\"[0]: wrong type or value; expected a string, found 2");
  CHECK(message_of([] { require<int>(Json(3), "a", "f"); }) ==
        "f: wrong type or value; expected an object with the field \"a\", found 3");
  CHECK(message_of([] { field_or<int>(config(), "rcps", 1, "f"); }).starts_with("f: field \"rcps\": wrong type"));
}

TEST_CASE("texts that are no JSON are refused with line and column") {
  CHECK(message_of([] {
          parse_json("{\n  \"a\": trx\n}", "x.json");
        }).starts_with("x.json: not valid JSON; found parse error at line 2, column 10: syntax error"));
  for (const char* text : {"", "{", "{\"a\":1,}", "[1 2]", "nul", "{} {}", "{\"a\":1e999}", "\"\xff\"", "{a:1}", "NaN"})
    CHECK(message_of([&] { parse_json(text, "x.json"); }).starts_with("x.json: not valid JSON"));
  CHECK(message_of([] { parse_json(std::string_view("{}\0x", 4), "x"); }) ==
        "x: not valid JSON; found a zero byte at offset 2");
}

TEST_CASE("a key that stands twice is refused, at every depth") {
  CHECK(message_of([] { parse_json(R"({"a": 1, "b": 2, "a": 3})", "x"); }) ==
        "x: the same key stands twice in one JSON object; found \"a\"");
  message_of([] { parse_json(R"({"a": [{"b": 1, "c": {}, "b": 1}]})", "x"); });
  CHECK(parse_json(R"({"a": {"a": 1}, "b": {"a": 1}})", "x").size() == 2);
}

TEST_CASE("deep nesting neither overflows nor takes long") {
  const std::string deep(300'000, '[');
  message_of([&] { parse_json(deep, "x"); });
  CHECK(parse_json(deep + std::string(300'000, ']'), "x").is_array());
}

TEST_CASE("documents are written in order and read again") {
  const ligase_test::TemporaryFolder folder;
  OrderedJson document;
  document["z"] = 1;
  document["a"] = {0.1, 1e-5, 5.0};
  write_json_file(folder / "f.json", document);
  CHECK(read_file(folder / "f.json") == "{\n  \"z\": 1,\n  \"a\": [\n    0.1,\n    1e-05,\n    5.0\n  ]\n}\n");
  CHECK(parse_json_file<OrderedJson>(folder / "f.json") == document);
  CHECK_THROWS_AS(dump_json(Json("\xff")), Error);
  CHECK(message_of([&] { parse_json_file(folder / "g.json"); }).find("g.json: cannot open the file") !=
        std::string::npos);
}

TEST_CASE("a text of brackets is refused before it takes a hundred times its size") {
  for (const char* piece : {"[", "{\"a\":", "[[],", "{},"}) {
    std::string text = "[";
    while (text.size() < 3'000'000) text += piece;
    CHECK(message_of([&] { parse_json(text, "f"); }) ==
          "f: not valid JSON; found more values than a file of this size may hold");
  }
  std::string numbers = "[1";
  while (numbers.size() < 1'000'000) numbers += ",1";
  CHECK(parse_json(numbers + "]", "f").size() == 500'000);
}
