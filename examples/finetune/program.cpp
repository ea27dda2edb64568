#include <finetune/program.hpp>

#include <finetune/memory.hpp>
#include <finetune/plan.hpp>
#include <finetune/pool.hpp>
#include <finetune/slurm.hpp>

#include <common/models.hpp>
#include <common/outputs.hpp>
#include <common/program.hpp>

#include <ligase/io/file.hpp>
#include <ligase/io/json.hpp>
#include <ligase/models/checkpoint_folder.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace ligase_cli {
namespace {

namespace fs = std::filesystem;

using ligase::Error;
using ligase::ErrorKind;
using ligase::OrderedJson;

struct SuiteText {
  const char *program, *purpose, *example;
};
SuiteText text_of(Suite suite) {
  switch (suite) {
    case Suite::genomic_benchmarks:
      return {"genomic_benchmarks", "Fine-tunes on GenomicBenchmarks tasks and scores the test splits.",
              "genomic_benchmarks --data genomic_benchmarks --task human_nontata_promoters --model cnn --out runs"};
    case Suite::gue:
      return {"gue", "Fine-tunes on GUE tasks and scores the test splits.",
              "gue --data GUE --task mouse/2,prom/prom_core_tata --model cnn --protocol original --out runs"};
    case Suite::nucleotide_transformer_tasks: break;
  }
  return {"nucleotide_transformer_tasks", "Fine-tunes on the Nucleotide Transformer tasks and scores the test splits.",
          "nucleotide_transformer_tasks --data nt --task enhancers --checkpoint pretrained --seeds 1,2,3 --out runs"};
}

/// Mean and standard deviation (n - 1) over finished runs.
struct Spread {
  Index n = 0, diverged = 0, failed = 0;
  double sum = 0, squares = 0;

  void add(double x) { ++n, sum += x, squares += x * x; }
  double mean() const { return n > 0 ? sum / static_cast<double>(n) : RunRecord::nan; }
  double deviation() const {
    if (n < 2) return RunRecord::nan;
    const auto count = static_cast<double>(n);
    return std::sqrt(std::max(0.0, (squares - sum * sum / count) / (count - 1)));
  }
};

struct Cell {
  RunIdentity run;  ///< without its seed
  Spread accuracy, mcc;
};

/// One cell per task, model and hyperparameters, in the order of the records.
std::vector<Cell> summarise(const std::vector<RunRecord>& records) {
  std::vector<Cell> cells;
  for (const RunRecord& record : records) {
    RunIdentity run = record.run;
    run.seed = 0;
    auto cell = std::find_if(cells.begin(), cells.end(), [&](const Cell& c) { return c.run == run; });
    if (cell == cells.end()) cell = cells.insert(cells.end(), Cell{run, {}, {}});
    if (record.status == "ok") {
      cell->accuracy.add(record.accuracy);
      cell->mcc.add(record.mcc);
    }
    cell->mcc.diverged += record.status == "diverged";
    cell->mcc.failed += record.status == "failed";
  }
  return cells;
}

void print_table(const std::vector<Cell>& cells) {
  const auto spread = [](const Spread& s) {
    char text[48];
    if (s.n == 0) return std::string("-");
    std::snprintf(text, sizeof text, s.n > 1 ? "%.3f +- %.3f" : "%.3f", s.mean(), s.deviation());
    return std::string(text);
  };
  std::printf("%-32s %-12s %-15s %4s  %-16s %-16s\n", "task", "model", "tokenizer", "runs", "accuracy", "MCC");
  for (const Cell& c : cells) {
    std::printf("%-32s %-12s %-15s %4lld  %-16s %-16s", one_line(c.run.task).c_str(), c.run.model.c_str(),
                one_line(c.run.tokenizer).c_str(), static_cast<long long>(c.mcc.n), spread(c.accuracy).c_str(), spread(c.mcc).c_str());
    if (c.mcc.diverged > 0) std::printf("  %lld diverged", static_cast<long long>(c.mcc.diverged));
    if (c.mcc.failed > 0) std::printf("  %lld failed", static_cast<long long>(c.mcc.failed));
    std::printf("\n");
  }
}

OrderedJson summary(const std::vector<Cell>& cells, std::size_t runs, std::size_t made) {
  const auto number = [](double x) { return std::isfinite(x) ? OrderedJson(x) : OrderedJson(); };
  OrderedJson list = OrderedJson::array();
  for (const Cell& c : cells)
    list.push_back({{"task", c.run.task},
                    {"model", c.run.model},
                    {"tokenizer", c.run.tokenizer},
                    {"protocol", c.run.protocol},
                    {"hyperparameters", ligase::parse_json(c.run.hyperparameters, "hyperparameters")},
                    {"runs", c.mcc.n},
                    {"diverged", c.mcc.diverged},
                    {"failed", c.mcc.failed},
                    {"accuracy_mean", number(c.accuracy.mean())},
                    {"accuracy_deviation", number(c.accuracy.deviation())},
                    {"mcc_mean", number(c.mcc.mean())},
                    {"mcc_deviation", number(c.mcc.deviation())}});
  return {{"runs", runs}, {"made_now", made}, {"results", list}};
}

/// Loads every checkpoint once, on the host, so that one that does not fit is refused before anything is trained.
void check_checkpoints(const FinetunePlan& plan) {
  std::set<std::pair<std::string, std::string>> seen;
  for (std::size_t i = 0; i < plan.runs.size(); ++i) {
    const RunSettings& s = plan.settings[i];
    if (!s.checkpoint.empty() && seen.emplace(plan.runs[i].model, s.checkpoint).second)
      run_job({.identity = plan.runs[i], .settings = s, .task = nullptr, .threads = 1, .device = "cpu", .on_epoch = {}});
  }
}

/// Refuses a file that cannot be written or would take the place of one that is read, or of a part of --out.
void check_result(const std::string& flag, const fs::path& file, const Arguments& a, const FinetunePlan& plan) {
  if (file.empty()) return;
  const fs::path out = a.path("out");
  const auto refuse = [&](const std::string& what) {
    throw Error{{.kind = ErrorKind::usage,
                 .what = what,
                 .where = flag,
                 .expected = "another file name",
                 .found = "'" + file.string() + "'"}};
  };
  if (lies_in(out, file) || lies_in(file, out / "runs.csv") || lies_in(file, out / "runs"))
    refuse("names --out or a part of it");
  if (lies_in(file, a.path("data")) && !lies_in(file, out)) refuse("lies in --data");
  std::set<std::string> checkpoints;
  for (const RunSettings& s : plan.settings)
    if (!s.checkpoint.empty()) checkpoints.insert(s.checkpoint);
  for (const std::string& checkpoint : checkpoints)
    if (lies_in(file, ligase::find_checkpoint(checkpoint))) refuse("lies in the checkpoint " + checkpoint);
  check_output(flag, file, {a.path("sweep"), a.path("tokenizer")});
}

void write_slurm(const Arguments& a, const CommonFlags& common, const SuiteText& text, std::size_t runs) {
  if (!a.given("sweep"))
    throw Error{
        {.kind = ErrorKind::usage, .what = "needs a grid", .where = "--slurm", .expected = "--sweep FILE.json"}};
  SlurmJob job;
  job.name = text.program;
  job.command = {text.program, "--data", a.text("data"), "--sweep", a.text("sweep"), "--out", a.text("out"), "--quiet"};
  if (common.device == "cuda") {
    job.command.insert(job.command.end(), {"--device", common.device, "--precision", common.precision});
    job.gpus = 1;
  }
  job.runs = static_cast<Index>(runs);
  job.jobs = a.given("slurm-jobs") ? a.whole("slurm-jobs", 1, job.runs) : std::min<Index>(job.runs, 100);
  ligase::write_file(a.path("slurm"), slurm_script(job));
}

}  // namespace

int finetune_program(Suite suite, int argc, char** argv) {
  const SuiteText text = text_of(suite);
  Arguments a(text.program, text.purpose, text.example);
  add_grid_flags(a);
  a.required("out", "DIR", "folder for runs.csv and runs/KEY.json; runs that stand there already are not made again")
      .option("jobs", "N", "", "runs at the same time; default: as many as threads, on a GPU 1")
      .option("shard", "PART/PARTS", "", "take only every PARTS-th run of the grid, from PART on")
      .option("slurm", "FILE", "", "write an sbatch script that works through --sweep, and stop")
      .option("slurm-jobs", "N", "", "size of its array; default: 100 at the most")
      .common_flags();
  if (!a.parse(argc, argv)) return 0;
  const CommonFlags common = a.common();
  if (!a.given("slurm")) check_device(common);  // its jobs run elsewhere
  if (common.precision == "fp64")
    throw Error{{.kind = ErrorKind::usage,
                 .what = "fine-tuning is built in single precision",
                 .where = "--precision",
                 .expected = "fp32, or bf16 with --device cuda",
                 .found = common.precision}};
  // A GPU has one stream of work: further runs only fill the gaps of the first.
  PoolOptions pool{.out = a.path("out"),
                   .jobs = common.device == "cuda" ? 1 : common.threads,
                   .threads = common.threads,
                   .device = common.device,
                   .quiet = common.quiet};
  if (a.given("jobs")) pool.jobs = static_cast<int>(a.whole("jobs", 1, 4096));
  for (const fs::path& folder : {pool.out, pool.out / "runs"}) check_output_folder("--out", folder);

  const FinetunePlan plan = make_plan(suite, a, common);
  check_result("--json", common.json, a, plan);
  check_result("--slurm", a.path("slurm"), a, plan);
  if (a.given("slurm")) {
    write_slurm(a, common, text, plan.runs.size());
    return 0;
  }
  check_checkpoints(plan);
  if (common.device == "cpu") check_memory(plan);
  std::vector<RunRecord> records = runs_to_continue(pool.out / "runs.csv");
  for (const std::string& task : plan.left_out)
    std::fprintf(stderr, "note: %s has no training set and is left out\n", one_line(task).c_str());

  std::vector<std::string> failures;
  const std::vector<RunRecord> made = run_pool(plan, records, pool, failures);
  if (!failures.empty())
    std::fprintf(stderr, "%s: %zu of %zu runs failed, which the same command tries again; the first: %s\n",
                 text.program, failures.size(), made.size(), one_line(failures.front()).c_str());
  records.insert(records.end(), made.begin(), made.end());
  const std::vector<RunRecord> mine = records_of(plan, records);
  const std::vector<Cell> cells = summarise(mine);
  if (!common.quiet) {
    std::printf("%zu runs, %zu of them made now\n", mine.size(), made.size());
    print_table(cells);
  }
  if (!common.json.empty()) ligase::write_json_file(common.json, summary(cells, mine.size(), made.size()));
  return failures.empty() ? 0 : 1;
}

}  // namespace ligase_cli
