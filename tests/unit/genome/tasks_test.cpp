#include "archive.hpp"
#include "scratch.hpp"

#include <doctest/doctest.h>
#include <ligase/genome/tasks.hpp>
#include <support/errors.hpp>

#include <sys/stat.h>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using ligase::Task;
using ligase::TaskPlace;
using ligase_test::Scratch;
using ligase_test::tar_end;
using ligase_test::tar_member;

void put(const Scratch& scratch, const std::string& name, std::string_view text) {
  fs::create_directories((scratch.path() / name).parent_path());
  if (name.ends_with(".gz"))
    scratch.gzip(name, text);
  else
    scratch.plain(name, text);
}

std::vector<std::string> names(const fs::path& data) {
  std::vector<std::string> list;
  for (const TaskPlace& place : ligase::find_tasks(data)) list.push_back(place.name);
  return list;
}

/// The task of that name.
Task read(const fs::path& data, const std::string& name) {
  for (const TaskPlace& place : ligase::find_tasks(data))
    if (place.name == name) return ligase::read_task(place);
  FAIL("no task " << name);
  return {};
}

std::string shown(const ligase::TaskSplit& split) {
  std::string text;
  for (const ligase::LabelledSequence& row : split.rows)
    text += (text.empty() ? "" : " ") + row.letters + ":" + std::to_string(row.label);
  return text;
}

/// The message for the only task below a folder with these splits, without the folder's path.
std::string fault(const std::string& train, const std::string& test, const std::string& ending = ".csv") {
  const Scratch scratch;
  put(scratch, "t/train" + ending, train);
  put(scratch, "t/test" + ending, test);
  std::string message =
      ligase_test::input_error([&] { ligase::read_task(ligase::find_tasks(scratch.path()).front()); });
  const std::string folder = (scratch.path() / "t").string() + "/";
  if (const auto at = message.find(folder); at != message.npos) message.erase(at, folder.size());
  return message;
}

const std::string good = "sequence,label\nACGT,0\nTTTT,1\n";

TEST_CASE("tasks: tables in folders, with dev, gzip, other columns and orders") {
  const Scratch scratch;
  put(scratch, "mouse/2/train.csv", "sequence,label\nacgtn,1\r\nTT,0");
  put(scratch, "mouse/2/dev.csv", "sequence,label\nG,0\n");
  put(scratch, "mouse/2/test.csv.gz", "id,label,sequence,class\n7,1,\"CC\",\"a,b\"\n");
  put(scratch, "H3/train.fna", ">chr1|x|0\nAC\nGT\n>same|1\r\nAC\r\n>same|0\nT");
  put(scratch, "H3/test.fna.gz", ">a|1 \nNN\n");
  put(scratch, ".hidden/train.csv", "no");
  put(scratch, "notes/read.csv", "no");
  CHECK(names(scratch.path()) == std::vector<std::string>{"H3", "mouse/2"});
  const Task mouse = read(scratch.path(), "mouse/2");
  CHECK(mouse.name == "mouse/2");
  CHECK(mouse.classes == std::vector<std::string>{"0", "1"});
  CHECK(shown(mouse.train) == "ACGTN:1 TT:0");
  CHECK(shown(mouse.test) == "CC:1");
  REQUIRE(mouse.dev);
  CHECK(shown(*mouse.dev) == "G:0");
  const Task h3 = read(scratch.path(), "H3");
  CHECK(shown(h3.train) == "ACGT:0 AC:1 T:0");
  CHECK(shown(h3.test) == "NN:1");
  CHECK(!h3.dev);
  CHECK(names(scratch.path() / "mouse" / "2") == std::vector<std::string>{"2"});
}

TEST_CASE("tasks: one table for several tasks") {
  const Scratch scratch;
  put(scratch, "train.csv", "sequence,name,label,task\nA,x,0,one\nC,x,1,one\nG,x,1,two\nT,x,0,two\n");
  put(scratch, "test.csv", "sequence,name,label,task\nAA,x,1,one\nCC,x,0,two\n");
  CHECK(names(scratch.path()) == std::vector<std::string>{"one", "two"});
  CHECK(shown(read(scratch.path(), "two").train) == "G:1 T:0");
  CHECK(shown(read(scratch.path(), "two").test) == "CC:0");
  put(scratch, "test.csv", "sequence,name,label,task\nAA,x,1,one\n");
  CHECK(ligase_test::input_error([&] { read(scratch.path(), "two"); }).find("no rows of the task 'two'") !=
        std::string::npos);
}

TEST_CASE("tasks: class folders on disk and in an archive are the same task") {
  const Scratch scratch;
  const std::vector<std::pair<std::string, std::string>> files{{"g/train/pos/2.txt", "CC\n"},
                                                               {"g/train/pos/10.txt", " aa\r\n"},
                                                               {"g/train/neg/1.txt", "GG"},
                                                               {"g/test/pos/9.txt", "TT"},
                                                               {"g/test/pos/._9.txt", "\x01"},
                                                               {"g/test/neg/8.txt", "T"}};
  std::string archive;
  for (const auto& [name, text] : files) {
    put(scratch, "disk/" + name, text);
    archive += tar_member("./" + name, text);
  }
  put(scratch, "packed/a.tar.gz", archive + tar_member("g/README.md", "x") + tar_end());
  put(scratch, "packed/plain.tar", tar_member("train/b/1.txt", "A") + tar_member("train/a/1.txt", "C") +
                                       tar_member("test/a/1.txt", "G") + tar_end());
  CHECK(names(scratch.path() / "disk") == std::vector<std::string>{"g"});
  CHECK(names(scratch.path() / "packed") == std::vector<std::string>{"g", "plain"});
  CHECK(names(scratch.path() / "packed" / "a.tar.gz") == std::vector<std::string>{"g"});
  for (const char* folder : {"disk", "packed"}) {
    const Task task = read(scratch.path() / folder, "g");
    CHECK(task.classes == std::vector<std::string>{"neg", "pos"});
    CHECK(shown(task.train) == "GG:0 AA:1 CC:1");
    CHECK(shown(task.test) == "T:0 TT:1");
  }
  CHECK(shown(read(scratch.path() / "packed", "plain").train) == "C:0 A:1");
  // What is unpacked counts.
  put(scratch, "packed/g/train.csv", good);
  put(scratch, "packed/g/test.csv", good);
  CHECK(read(scratch.path() / "packed", "g").train.rows.size() == 2);
  put(scratch, "disk/h.tgz", archive + tar_end());
  put(scratch, "disk/i.tgz", archive + tar_end());
  CHECK(ligase_test::input_error([&] { names(scratch.path() / "disk"); }).find("two archives hold the task 'g'") !=
        std::string::npos);
}

TEST_CASE("tasks: every malformed row is named") {
  CHECK(fault(good + "ACGT\n", good) == "train.csv:4: broken row; expected 2 fields, found 1");
  CHECK(fault(good + "ACGT,one\n", good) == "train.csv:4: label is not a class number; expected 0, 1, 2, ..., found 'one'");
  CHECK(fault(good + "ACGT,-1\n", good).find("found '-1'") != std::string::npos);
  CHECK(fault(good + "ACGT,1.0\n", good).find("found '1.0'") != std::string::npos);
  CHECK(fault(good + "ACGT,\n", good).find("found ''") != std::string::npos);
  CHECK(fault(good + ",1\n", good) == "train.csv:4: empty sequence; expected at least one letter, found none");
  CHECK(fault(good + "AC-T,1\n", good) ==
        "train.csv:4: byte that is no letter in a sequence; expected letters (A, C, G, T, N or other IUPAC codes), "
        "found '-' at position 3");
  CHECK(fault(good + "\"ACGT,1\n", good).find("train.csv:4: quote is never closed") == 0);
  CHECK(fault(good, good + "A,0\nA,2\nA,3\n") ==
        "test.csv:5: unknown label; this class is missing in train; expected 0 to 1, found 2");
  CHECK(fault("sequence,label\nA,0\nA,2\n", good) ==
        "train.csv: class 1 is missing in train; expected rows with each label from 0 to 2, found none");
  CHECK(fault("sequence,label\nA,0\n", good).find("training set with a single class") != std::string::npos);
  CHECK(fault("sequence,class\nA,0\n", good) ==
        "train.csv:1: missing column 'label'; expected a header with the columns sequence and label, found "
        "'sequence,class'");
  CHECK(fault("ACGT,0\n", good).find("train.csv:1: missing column 'sequence'") == 0);
  CHECK(fault("sequence,label,label\nA,0,0\n", good).find("two columns 'label'") != std::string::npos);
  CHECK(fault("", good) == "train.csv: the file is empty");
  CHECK(fault(good, "sequence,label\n") == "test.csv: no rows; expected at least one labelled sequence");
  CHECK(fault("A\n", "", ".fna") == "train.fna:1: FASTA without header; expected '>name|label', found 'A'");
  CHECK(fault("\n>x\nA\n", "", ".fna") == "train.fna:2: FASTA header without label; expected '>name|label', found '>x'");
  CHECK(fault(">x|0\nA\n>x|1\n>y|0\nA\n", "", ".fna").find("train.fna:3: empty sequence") == 0);
  CHECK(fault(">x|a\nA\n", "", ".fna").find("train.fna:1: label is not a class number") == 0);
}

TEST_CASE("tasks: splits that are missing, stand twice or end early") {
  const Scratch scratch;
  CHECK(ligase_test::input_error([&] { names(scratch.path()); }).find("no task found") != std::string::npos);
  CHECK(ligase_test::input_error([&] { names(scratch.path() / "none"); }).find("the data folder does not exist") !=
        std::string::npos);
  put(scratch, "t/train.csv", good);
  CHECK(ligase_test::input_error([&] { read(scratch.path(), "t"); }) ==
        "t: task without test set; expected test.csv, test.fna or test/<class>/*.txt (.gz as well) beside the other "
        "splits");
  put(scratch, "u/test.csv", good);
  CHECK(ligase_test::input_error([&] { read(scratch.path(), "u"); }).find("u: task without training set") == 0);
  put(scratch, "t/test.csv.gz", good);
  CHECK(read(scratch.path(), "t").test.rows.size() == 2);
  fs::resize_file(scratch.path() / "t/test.csv.gz", fs::file_size(scratch.path() / "t/test.csv.gz") - 9);
  CHECK(ligase_test::input_error([&] { read(scratch.path(), "t"); }).find("compressed file is truncated") !=
        std::string::npos);
  put(scratch, "t/test.csv", good);
  CHECK(ligase_test::input_error([&] { names(scratch.path()); }).find(
            "the split 'test' is there twice; expected one file or folder for each split, found test.csv and "
            "test.csv.gz") != std::string::npos);
}

TEST_CASE("tasks: class folders that do not fit") {
  const Scratch scratch;
  const auto message = [&] { return ligase_test::input_error([&] { read(scratch.path(), "g"); }); };
  put(scratch, "g/train/a/1.txt", "A");
  put(scratch, "g/test/a/1.txt", "A");
  CHECK(message().find("training set with fewer than two classes") != std::string::npos);
  put(scratch, "g/train/b/1.txt", "A");
  put(scratch, "g/test/c/1.txt", "A");
  CHECK(message().find("the class 'c' is missing in train; expected the classes of train, a to b, found c") !=
        std::string::npos);
  fs::remove_all(scratch.path() / "g/test/c");
  put(scratch, "g/train/b/2.txt", " \n");
  CHECK(message().find("g/train/b/2.txt: empty sequence") != std::string::npos);
  put(scratch, "g/train/b/2.txt", "AC\nGT");
  CHECK(message().find("found '?' at position 3") != std::string::npos);
  fs::remove(scratch.path() / "g/train/b/2.txt");
  fs::remove(scratch.path() / "g/train/b/1.txt");
  CHECK(message().find("class without sequences") != std::string::npos);
}

TEST_CASE("tasks: a pipe among the files is refused, not waited for") {
  const Scratch scratch;
  put(scratch, "g/train/a/1.txt", "A");
  put(scratch, "g/train/b/1.txt", "A");
  put(scratch, "g/test/a/1.txt", "A");
  const fs::path row = scratch.path() / "g/train/a/2.txt.gz", archive = scratch.path() / "h.tar.gz";
  REQUIRE(::mkfifo(row.c_str(), 0600) == 0);
  CHECK(ligase_test::input_error([&] { read(scratch.path(), "g"); }).find("2.txt.gz: not a file") != std::string::npos);
  REQUIRE(::mkfifo(archive.c_str(), 0600) == 0);
  CHECK(ligase_test::input_error([&] { names(scratch.path()); }).find("h.tar.gz: not a file") != std::string::npos);
}

TEST_CASE("tasks: links are followed once") {
  const Scratch scratch;
  put(scratch, "real/t/train.csv", good);
  put(scratch, "real/t/test.csv", good);
  fs::create_directories(scratch.path() / "data");
  fs::create_directory_symlink(scratch.path() / "real", scratch.path() / "data" / "linked");
  fs::create_directory_symlink(scratch.path() / "data", scratch.path() / "real" / "back");
  CHECK(names(scratch.path() / "data") == std::vector<std::string>{"linked/t"});
}

}  // namespace
