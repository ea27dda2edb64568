#include <doctest/doctest.h>
#include <ligase/genome/tasks.hpp>
#include <support/errors.hpp>
#include <support/shared.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace {

/// Rows of STATS.tsv: table without .gz to "rows min max label:rows ...".
std::map<std::string, std::string> stated(const std::filesystem::path& data) {
  std::map<std::string, std::string> tables;
  std::ifstream in(data / "STATS.tsv");
  for (std::string line; std::getline(in, line);) {
    std::vector<std::string> fields;
    std::istringstream text(line);
    for (std::string field; std::getline(text, field, '\t');) fields.push_back(field);
    if (fields.size() < 7 || fields[6].empty()) continue;
    std::string name = fields[0];
    if (name.ends_with(".gz")) name.resize(name.size() - 3);
    tables[name] = fields[2] + " " + fields[3] + " " + fields[5] + " " + fields[6];
  }
  return tables;
}

std::string counted(const ligase::TaskSplit& split) {
  std::size_t least = split.rows.front().letters.size(), most = 0;
  std::map<ligase::Index, int> labels;
  for (const ligase::LabelledSequence& row : split.rows) {
    least = std::min(least, row.letters.size());
    most = std::max(most, row.letters.size());
    ++labels[row.label];
  }
  std::string text = std::to_string(split.rows.size()) + " " + std::to_string(least) + " " + std::to_string(most);
  for (const auto& [label, rows] : labels) text += " " + std::to_string(label) + ":" + std::to_string(rows);
  return text;
}

TEST_CASE("tasks: the shared sets read as their table of counts says") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("no shared data: only the composed files are read");
    return;
  }
  const auto data = *shared / "data";
  const auto expected = stated(data);
  int tables = 0;
  for (const char* set : {"gue", "genomic_benchmarks_chr20", "genomic_benchmarks_whole_test", "ienhancer2l",
                          "ecoli_promoters_81bp", "uci_splice_junction", "human_chr20_or_worm_chrX"})
    for (const ligase::TaskPlace& place : ligase::find_tasks(data / set)) {
      if (place.train.empty()) {
        CHECK(place.name == "human_nontata_promoters");
        continue;
      }
      CAPTURE(place.name);
      const ligase::Task task = ligase::read_task(place);
      const std::string folder = std::filesystem::relative(place.train.parent_path(), data).string();
      CHECK(counted(task.train) == expected.at(folder + "/train.csv"));
      CHECK(counted(task.test) == expected.at(folder + "/test.csv"));
      if (task.dev) CHECK(counted(*task.dev) == expected.at(folder + "/dev.csv"));
      tables += task.dev ? 3 : 2;
    }
  CHECK(tables == 10 * 3 + 11 * 2);
}

TEST_CASE("tasks: the archive of class folders holds the sequences of the table") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("no shared data: the archive is not read");
    return;
  }
  const auto folder = *shared / "data" / "genomic_benchmarks_chr20";
  const auto places = ligase::find_tasks(folder / "human_enhancers_cohn_chr20_folders.tar.gz");
  REQUIRE(places.size() == 1);
  CHECK(places[0].name == "human_enhancers_cohn");
  const ligase::Task packed = ligase::read_task(places[0]);
  CHECK(packed.classes == std::vector<std::string>{"negative", "positive"});
  const auto tables = ligase::find_tasks(folder / "human_enhancers_cohn");
  REQUIRE(tables.size() == 1);
  const ligase::Task table = ligase::read_task(tables[0]);
  const auto sorted = [](const ligase::TaskSplit& split) {
    std::vector<std::pair<ligase::Index, std::string>> rows;
    for (const ligase::LabelledSequence& row : split.rows) rows.emplace_back(row.label, row.letters);
    std::sort(rows.begin(), rows.end());
    return rows;
  };
  CHECK(sorted(packed.train) == sorted(table.train));
  CHECK(sorted(packed.test) == sorted(table.test));
}

TEST_CASE("tasks: a set without training files says so") {
  const auto shared = ligase_test::shared();
  if (!shared) {
    MESSAGE("no shared data");
    return;
  }
  const auto places = ligase::find_tasks(*shared / "data" / "gue_devtest_only");
  CHECK(places.size() == 9);
  for (const ligase::TaskPlace& place : places)
    CHECK(ligase_test::input_error([&] { ligase::read_task(place); })
              .find(place.name + ": task without training set") == 0);
}

}  // namespace
