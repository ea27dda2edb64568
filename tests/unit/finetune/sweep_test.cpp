#include <doctest/doctest.h>
#include <finetune/slurm.hpp>
#include <finetune/sweep.hpp>
#include <ligase/io/file.hpp>
#include <support/errors.hpp>
#include <unit/io/temporary_folder.hpp>

#include <set>
#include <string>
#include <vector>

namespace {

using ligase_cli::Sweep;
using ligase_cli::SweepRun;

const ligase_cli::SweepNames names{{"cnn", "mamba", "caduceus-ps"}, {"learning_rate", "batch_size", "rc_augment"}};

Sweep read(const std::string& text) {
  const ligase_test::TemporaryFolder folder;
  ligase::write_file(folder / "sweep.json", text);
  return ligase_cli::read_sweep(folder / "sweep.json", names);
}

std::string fault(const std::string& text) {
  const std::string message = ligase_test::input_error([&] { read(text); });
  return message.substr(message.find("sweep.json") == message.npos ? 0 : message.find("sweep.json"));
}

const std::string small = R"({"tasks": "all", "models": ["cnn"], "seeds": [1, 2]})";

TEST_CASE("sweep: a grid becomes a list in the file's order") {
  const Sweep sweep = read(R"({
    "tasks": ["mouse/2", "tf/0"], "seeds": [3, 1], "protocol": "original",
    "hyperparameters": {"learning_rate": [0.002, 0.001], "batch_size": 64},
    "models": ["cnn",
               {"name": "mamba", "checkpoint": "runs/a", "tokenizers": ["char", "bpe.json"],
                "hyperparameters": {"batch_size": [128, 256], "rc_augment": true}}]})");
  const std::vector<SweepRun> runs = ligase_cli::expand_sweep(sweep, {});
  CHECK(runs.size() == 2 * (2 * 2 + 2 * 4 * 2));
  CHECK(runs[0].run == ligase_cli::RunIdentity{"mouse/2", "cnn", "char", "original", 3,
                                               R"({"batch_size":64,"learning_rate":0.002})"});
  CHECK(runs[1].run.seed == 1);
  CHECK(runs[2].run.hyperparameters == R"({"batch_size":64,"learning_rate":0.001})");
  CHECK(runs[4].run.model == "mamba");
  CHECK(runs[4].checkpoint == "runs/a");
  CHECK(runs[6].run.hyperparameters ==
        R"({"batch_size":128,"checkpoint":"runs/a","learning_rate":0.001,"rc_augment":true})");
  CHECK(runs[8].run.hyperparameters.starts_with(R"({"batch_size":256,"checkpoint":"runs/a","learning_rate":0.002)"));
  CHECK(runs[12].run.tokenizer == "bpe.json");
  CHECK(runs[20].run.task == "tf/0");
  std::set<std::string> keys;
  for (const SweepRun& run : runs) keys.insert(ligase_cli::run_key(run.run));
  CHECK(keys.size() == runs.size());
}

TEST_CASE("sweep: 'all' and the defaults") {
  const auto runs = ligase_cli::expand_sweep(read(small), {"a", "b/c"});
  REQUIRE(runs.size() == 4);
  CHECK(runs[3].run == ligase_cli::RunIdentity{"b/c", "cnn", "char", "strict", 2, "{}"});
}

TEST_CASE("sweep: a half-finished grid goes on with what is missing or failed") {
  const auto runs = ligase_cli::expand_sweep(read(small), {"a", "b", "c"});
  std::vector<ligase_cli::RunRecord> done(3);
  done[0].run = runs[0].run;
  done[0].status = "ok";
  done[1].run = runs[3].run;
  done[1].status = "diverged";
  done[2].run = runs[4].run;
  done[2].status = "failed";
  const auto pending = ligase_cli::pending_runs(runs, done);
  REQUIRE(pending.size() == 4);
  CHECK(pending[0].run == runs[1].run);
  CHECK(pending[2].run == runs[4].run);
}

TEST_CASE("sweep: parts of a grid are disjoint and hold everything") {
  const auto runs = ligase_cli::expand_sweep(read(small), {"a", "b", "c", "d"});
  std::set<std::string> seen;
  for (const char* part : {"0/3", "1/3", "2/3"})
    for (const SweepRun& run : ligase_cli::take_shard(runs, ligase_cli::read_shard("--shard", part)))
      CHECK(seen.insert(ligase_cli::run_key(run.run)).second);
  CHECK(seen.size() == runs.size());
  for (const char* bad : {"", "1", "3/3", "-1/3", "a/3", "0/0", "0/3x", "/3"})
    CHECK(ligase_test::error_of([&] { ligase_cli::read_shard("--shard", bad); }).fields().where == "--shard");
}

TEST_CASE("sweep: mistakes are named") {
  CHECK(fault(R"({"tasks": "all", "models": ["ccn"], "seeds": [1]})") ==
        "sweep.json: models[0]: unknown model 'ccn' (did you mean 'cnn'?); expected one of cnn, mamba, caduceus-ps");
  CHECK(fault(R"({"task": "all", "models": ["cnn"], "seeds": [1]})").find(
            "unknown field 'task' (did you mean 'tasks'?)") != std::string::npos);
  CHECK(fault(R"({"tasks": "all", "models": ["cnn"], "seeds": [1], "hyperparameters": {"lerning_rate": 1}})")
            .find("unknown hyperparameter 'lerning_rate' (did you mean 'learning_rate'?)") != std::string::npos);
  CHECK(fault(R"({"tasks": "all", "models": [], "seeds": [1]})").find("field \"models\": missing or empty") !=
        std::string::npos);
  CHECK(fault(R"({"tasks": "all", "models": ["cnn"]})").find("the field \"seeds\" is missing") != std::string::npos);
  CHECK(fault(R"({"tasks": "all", "models": ["cnn"], "seeds": [1, 1]})").find("stands twice") != std::string::npos);
  CHECK(fault(R"({"tasks": "all", "models": ["cnn"], "seeds": [-1]})").find("seeds") != std::string::npos);
  CHECK(fault(R"({"tasks": ["all", "x"], "models": ["cnn"], "seeds": [1]})").find("beside other tasks") !=
        std::string::npos);
  CHECK(fault(R"({"tasks": "all", "models": ["cnn"], "seeds": [1], "protocol": "strickt"})").find(
            "did you mean 'strict'?") != std::string::npos);
  CHECK(fault(R"({"tasks": "all", "models": ["cnn"], "seeds": [1], "hyperparameters": {"batch_size": [[1]]}})")
            .find("wrong type") != std::string::npos);
  CHECK(fault(R"(["tasks"])").find("wrong type; expected an object, found array") != std::string::npos);
  CHECK(ligase_test::input_error([] {
          ligase_cli::expand_sweep(read(R"({"tasks": "all", "models": ["cnn", {"name": "cnn"}], "seeds": [1]})"), {"a"});
        }).find("a run stands twice in the grid") != std::string::npos);
}

TEST_CASE("sweep: the Slurm script in examples/slurm is what is made from its sweep file") {
  const std::filesystem::path folder = std::filesystem::path(LIGASE_SOURCE_DIR) / "examples" / "slurm";
  const auto runs = ligase_cli::expand_sweep(ligase_cli::read_sweep(folder / "gue_cnn.json", names), {});
  CHECK(runs.size() == 50);
  const std::string script = ligase_cli::slurm_script(
      {.name = "gue_cnn",
       .command = {"build/release/examples/gue", "--data", "data/GUE", "--sweep", "examples/slurm/gue_cnn.json", "--out",
                   "runs/gue_cnn", "--quiet"},
       .runs = static_cast<ligase::Index>(runs.size()),
       .jobs = 10,
       .time = "02:00:00"});
  CHECK(script == ligase::read_file(folder / "gue_cnn.sbatch"));
}

TEST_CASE("Slurm script: words are quoted, nonsense is refused") {
  ligase_cli::SlurmJob job{.name = "j", .command = {"a b", "it's", "$HOME", "--x=1"}, .runs = 4, .jobs = 2, .at_once = 1};
  const std::string script = ligase_cli::slurm_script(job);
  CHECK(script.find(R"(exec 'a b' 'it'\''s' '$HOME' --x=1 \)") != std::string::npos);
  CHECK(script.find("--array=0-1%1\n") != std::string::npos);
  CHECK(script.find("gpu") == std::string::npos);
  job.gpus = 1;
  CHECK(ligase_cli::slurm_script(job).find("#SBATCH --gres=gpu:1\n") != std::string::npos);
  for (int wrong = 0; wrong < 6; ++wrong) {
    ligase_cli::SlurmJob bad = job;
    if (wrong == 0) bad.jobs = 5;
    if (wrong == 1) bad.cpus = 0;
    if (wrong == 2) bad.name = "a\n#SBATCH --wrap=x";
    if (wrong == 3) bad.time = "1 hour";
    if (wrong == 4) bad.command.clear();
    if (wrong == 5) bad.gpus = -1;
    CHECK(ligase_test::error_of([&] { ligase_cli::slurm_script(bad); }).kind() == ligase::ErrorKind::usage);
  }
}

}  // namespace
