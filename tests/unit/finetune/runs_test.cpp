#include <doctest/doctest.h>
#include <finetune/runs.hpp>
#include <ligase/io/file.hpp>
#include <support/errors.hpp>
#include <unit/io/temporary_folder.hpp>
#include <unit/train/file_limit.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

namespace {

using ligase_cli::append_run;
using ligase_cli::read_runs;
using ligase_cli::RunRecord;

RunRecord record(std::uint64_t seed) {
  RunRecord r;
  r.run = {"mouse/2", "cnn", "char", "strict", seed, R"({"learning_rate":0.001,"note":"a, \"b\""})"};
  r.accuracy = 0.1;
  r.mcc = -1.0 / 3;
  r.epochs = 10;
  r.status = "ok";
  r.mcc_low = 1e-300;
  return r;
}

TEST_CASE("runs.csv: the header begins with the columns that everything relies on") {
  CHECK(ligase_cli::runs_header().starts_with(
      "task,model,tokenizer,protocol,seed,hyperparameters,accuracy,mcc,f1,precision,recall,auroc,auprc,epochs,status,"));
  CHECK(ligase_cli::runs_line(record(3)).starts_with(
      R"(mouse/2,cnn,char,strict,3,"{""learning_rate"":0.001,""note"":""a, \""b\""""}",0.1,-0.3333333333333333,nan,)"));
}

TEST_CASE("runs.csv: what is appended reads back") {
  const ligase_test::TemporaryFolder folder;
  const auto file = folder / "runs.csv";
  for (std::uint64_t seed = 1; seed <= 3; ++seed) append_run(file, record(seed));
  const auto runs = read_runs(file);
  REQUIRE(runs.size() == 3);
  CHECK(runs[2].run == record(3).run);
  CHECK(runs[0].mcc == -1.0 / 3);
  CHECK(runs[0].mcc_low == 1e-300);
  CHECK(std::isnan(runs[0].auroc));
  CHECK(runs[0].epochs == 10);
  CHECK(runs[0].status == "ok");
}

TEST_CASE("runs.csv: wherever a kill cuts the file, whole lines stay and the next run is appended") {
  const ligase_test::TemporaryFolder folder;
  const auto file = folder / "runs.csv";
  append_run(file, record(1));
  append_run(file, record(2));
  const std::string whole = ligase::read_file(file);
  const std::size_t header = ligase_cli::runs_header().size() + 1, line = (whole.size() - header) / 2;
  for (std::size_t cut = 0; cut <= whole.size(); cut += cut < header ? 5 : 1) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << whole.substr(0, cut);
    const std::size_t lines = cut < header ? 0 : (cut - header) / line;
    CHECK(read_runs(file).size() == lines);
    append_run(file, record(9));
    const auto runs = read_runs(file);
    REQUIRE(runs.size() == lines + 1);
    CHECK(runs.back().run.seed == 9);
  }
}

TEST_CASE("runs.csv: several writers at once lose nothing") {
  const ligase_test::TemporaryFolder folder;
  const auto file = folder / "runs.csv";
  {
    std::vector<std::jthread> writers;
    for (std::uint64_t w = 0; w < 4; ++w)
      writers.emplace_back([&file, w] {
        for (std::uint64_t i = 0; i < 25; ++i) append_run(file, record(100 * w + i));
      });
  }
  std::set<std::uint64_t> seeds;
  for (const RunRecord& r : read_runs(file)) seeds.insert(r.run.seed);
  CHECK(seeds.size() == 100);
}

TEST_CASE("runs.csv: other files and broken lines are refused and left alone") {
  const ligase_test::TemporaryFolder folder;
  const auto file = folder / "runs.csv";
  ligase::write_file(file, "a,b\n1,2\n");
  for (const std::string& message : {ligase_test::input_error([&] { append_run(file, record(1)); }),
                                     ligase_test::input_error([&] { read_runs(file); })}) {
    CHECK(message.find("runs.csv:1: missing column 'task'; expected task,model,") != std::string::npos);
    CHECK(message.ends_with("found 'a,b'"));
  }
  ligase::write_file(file, "my notes");
  CHECK(ligase_test::input_error([&] { append_run(file, record(1)); }).find("not a runs.csv") != std::string::npos);
  CHECK(ligase_test::input_error([&] { read_runs(file); }).find("not a runs.csv") != std::string::npos);
  CHECK(ligase::read_file(file) == "my notes");
  const auto fault = [&](const std::string& line) {
    ligase::write_file(file, "task,model,tokenizer,protocol,seed,hyperparameters,accuracy,mcc,f1,precision,recall,auroc,"
                             "auprc,epochs,status\n" + line + "\n");
    return ligase_test::input_error([&] { read_runs(file); });
  };
  CHECK(fault("t,m,c,strict,1,{},1,1,1,1,1,1,null,3,diverged") == "no error");
  CHECK(fault("t,m,c,strict,x,{},1,1,1,1,1,1,,3,ok").find("runs.csv:2: bad seed") != std::string::npos);
  CHECK(fault("t,m,c,strict,1,{},one,1,1,1,1,1,,3,ok").find("bad value of accuracy; expected a number or nan, found "
                                                             "'one'") != std::string::npos);
  CHECK(fault("t,m,c,strict,1,{},1,1,1,1,1,1,,3,fine").find("bad status") != std::string::npos);
  CHECK(fault("t,m,c").find("broken row; expected 15 fields, found 3") != std::string::npos);
  ligase_cli::RunRecord two_lines = record(1);
  two_lines.run.task = "a\nb";
  CHECK(ligase_test::error_of([&] { ligase_cli::runs_line(two_lines); }).kind() == ligase::ErrorKind::usage);
}

TEST_CASE("runs.csv: a line goes into the columns that the file has") {
  const ligase_test::TemporaryFolder folder;
  const auto file = folder / "runs.csv";
  const std::string older =
      "task,model,tokenizer,protocol,seed,hyperparameters,accuracy,mcc,f1,precision,recall,auroc,auprc,epochs,status";
  const std::string reordered =
      "seed,task,model,tokenizer,protocol,hyperparameters,status,epochs,auprc,auroc,recall,"
      "precision,f1,mcc,accuracy";
  for (const std::string& header : {older, "id," + older + ",later", reordered, "\xEF\xBB\xBF" + older,
                                    "\"task\"" + older.substr(4), "\n" + older, older + "\r", std::string()}) {
    CAPTURE(header);
    ligase::write_file(file, header + "\n");
    append_run(file, record(7));
    append_run(file, record(8));
    const auto runs = ligase_cli::runs_to_continue(file);
    REQUIRE(runs.size() == 2);
    CHECK(runs[0].run == record(7).run);
    CHECK(runs[1].run.seed == 8);
    CHECK(runs[1].mcc == record(8).mcc);
    CHECK(runs[1].epochs == 10);
    CHECK(runs[1].status == "ok");
  }
  CHECK(ligase_cli::runs_to_continue(folder / "none.csv").empty());
}

TEST_CASE("runs.csv: where the disk is full a new file is not left behind, an old one stays as it was") {
  const ligase_test::TemporaryFolder folder;
  const auto file = folder / "runs.csv";
  const auto append = [&](rlim_t most) {
    const ligase_test::FileLimit limit(most);
    return ligase_test::error_of([&] { append_run(file, record(1)); }).kind();
  };
  CHECK(append(0) == ligase::ErrorKind::io);
  CHECK(append(100) == ligase::ErrorKind::io);
  CHECK(!std::filesystem::exists(file));
  append_run(file, record(1));
  const std::string before = ligase::read_file(file);
  CHECK(append(before.size() + 10) == ligase::ErrorKind::io);
  CHECK(ligase::read_file(file) == before);
}

TEST_CASE("runs.csv: every part of the identity enters the key") {
  std::set<std::string> keys{ligase_cli::run_key(record(1).run)};
  CHECK(keys.begin()->size() == 16);
  ligase_cli::RunIdentity run = record(1).run;
  for (std::string* part : {&run.task, &run.model, &run.tokenizer, &run.protocol, &run.hyperparameters}) {
    *part += "x";
    keys.insert(ligase_cli::run_key(run));
  }
  run.seed = 2;
  keys.insert(ligase_cli::run_key(run));
  CHECK(keys.size() == 7);
}

}  // namespace
