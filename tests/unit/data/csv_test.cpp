#include <doctest/doctest.h>
#include <ligase/data/csv.hpp>
#include <support/errors.hpp>

#include <string>
#include <vector>

namespace {

using Rows = std::vector<std::vector<std::string>>;

/// Rows of a text that comes in pieces of `step` bytes.
Rows rows_of(std::string_view text, std::size_t step, std::vector<ligase::Index>* lines = nullptr) {
  Rows rows;
  ligase::CsvReader reader("t.csv");
  const auto keep = [&](const ligase::CsvRow& row) {
    rows.emplace_back(row.fields.begin(), row.fields.end());
    if (lines != nullptr) lines->push_back(row.line);
  };
  for (std::size_t i = 0; i < text.size(); i += step) reader.feed(text.substr(i, step), keep);
  reader.finish(keep);
  return rows;
}

std::string fault(std::string_view text) {
  return ligase_test::input_error([&] { rows_of(text, 3); });
}

TEST_CASE("CSV: quotes, line ends and a missing last one, in pieces of any size") {
  const std::string text =
      "\xEF\xBB\xBF"
      "sequence,label\r\n\"AC,\"\"G\",1\n\n\"two\nlines\",\r\n,\"\"\nlast,2";
  const Rows expected{{"sequence", "label"}, {"AC,\"G", "1"}, {"two\nlines", ""}, {"", ""}, {"last", "2"}};
  for (std::size_t step = 1; step <= text.size(); ++step) {
    std::vector<ligase::Index> lines;
    CHECK(rows_of(text, step, &lines) == expected);
    CHECK(lines == std::vector<ligase::Index>{1, 2, 4, 6, 7});
  }
  CHECK(rows_of("", 1).empty());
  CHECK(rows_of("a\r\n", 1) == Rows{{"a"}});
}

TEST_CASE("CSV: every fault is named with its line") {
  CHECK(fault("a,b\n1,2\n3\n") == "t.csv:3: broken row; expected 2 fields, found 1");
  CHECK(fault("a,b\n1,2,3") == "t.csv:2: broken row; expected 2 fields, found 3");
  CHECK(fault("a,b\n\"x\n\n,2\n") ==
        "t.csv:2: quote is never closed; expected '\"' before the end of the file, found none");
  CHECK(fault("a,b\n1,x\"y\"\n") ==
        "t.csv:2: quote inside a field without quotes; expected quotes around the whole field, found '\"'");
  CHECK(fault("a,b\n\"x\"y,2\n") ==
        "t.csv:2: text after a field in quotes; expected ',' or the end of the row, found 'y'");
}

TEST_CASE("CSV: a written field reads back") {
  const Rows row{{"plain", "a,b", "say \"no\"", "", "{\"x\": [1, 2]}", "two\nlines"}};
  std::string line;
  for (const std::string& field : row[0]) line += (line.empty() ? "" : ",") + ligase::csv_field(field);
  CHECK(ligase::csv_field("plain") == "plain");
  CHECK(rows_of(line + "\n", 4) == row);
}

}  // namespace
