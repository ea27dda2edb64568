#include <finetune/plan.hpp>
#include <finetune/select.hpp>

#include <common/models.hpp>
#include <common/program.hpp>
#include <common/tokenizers.hpp>

#include <ligase/data/labelled_rows.hpp>
#include <ligase/genome/tasks.hpp>
#include <ligase/io/json.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace ligase_cli {
namespace {

using ligase::Error;
using ligase::ErrorKind;
using ligase::Json;

/// Flags that a sweep file takes the place of.
constexpr const char* grid_flags[] = {"task",       "model",   "checkpoint", "tokenizer",     "seeds",
                                      "protocol",   "epochs",  "batch-size", "learning-rate", "weight-decay",
                                      "max-length", "d-model", "n-layer",    "patience",      "conjoin",
                                      "rc-augment", "frozen",  "validation"};

Sweep sweep_of_flags(const Arguments& a, const CommonFlags& common) {
  Sweep sweep;
  sweep.tasks = a.list("task");
  sweep.protocol = a.choice("protocol", {"original", "strict"});
  if (a.given("seeds") && a.given("seed"))
    throw Error{{.kind = ErrorKind::usage, .what = "and --seeds exclude each other", .where = "--seed"}};
  if (a.given("seed"))
    sweep.seeds = {common.seed};
  else
    for (const Index seed : a.whole_list("seeds", 0)) sweep.seeds.push_back(static_cast<std::uint64_t>(seed));
  if (std::set<std::uint64_t>(sweep.seeds.begin(), sweep.seeds.end()).size() != sweep.seeds.size())
    throw Error{
        {.kind = ErrorKind::usage, .what = "the same seed stands twice", .where = "--seeds", .found = a.text("seeds")}};

  SweepModel model{.name = {}, .checkpoint = a.text("checkpoint"), .tokenizers = {a.text("tokenizer")}, .grid = {}};
  if (a.given("model") || model.checkpoint.empty())
    model.name = a.choice("model", finetune_models());
  else
    model.name = model_of_checkpoint(ligase::find_checkpoint(model.checkpoint));
  const auto put = [&](const char* name, const Json& value) { model.grid[name] = {ligase::dump_json(value, -1)}; };
  if (a.given("epochs")) put("epochs", a.whole("epochs", 1, 1 << 20));
  if (a.given("batch-size")) put("batch_size", a.whole("batch-size", 1, 1 << 20));
  if (a.given("learning-rate")) put("learning_rate", a.positive_real("learning-rate"));
  if (a.given("weight-decay")) put("weight_decay", a.real("weight-decay"));
  if (a.given("max-length")) put("max_length", a.whole("max-length", 1, 1 << 24));
  if (a.given("d-model")) put("d_model", a.whole("d-model", 1, 1 << 16));
  if (a.given("n-layer")) put("n_layer", a.whole("n-layer", 1, 1 << 12));
  if (a.given("patience")) put("patience", a.whole("patience", 0, 1 << 20));
  if (a.given("conjoin")) put("conjoin", a.choice("conjoin", {"none", "test", "train"}));
  if (a.given("rc-augment")) put("rc_augment", a.choice("rc-augment", {"on", "off"}) == "on");
  if (a.given("validation")) put("validation", a.choice("validation", {"split", "dev"}));
  if (a.on("frozen")) put("frozen", true);
  sweep.models.push_back(std::move(model));
  return sweep;
}

/// The tokenizer of a run. A checkpoint brings its own; another one may not be asked for.
ligase::AnyTokenizer tokenizer_of_run(SweepRun& run) {
  std::string& name = run.run.tokenizer;
  if (run.checkpoint.empty()) {
    ligase::AnyTokenizer tokenizer = tokenizer_named(name, "tokenizer");
    if (run.run.model == "caduceus-ps") (void)tokenizer.complement_map(tokenizer.vocab_size());
    return tokenizer;
  }
  ligase::AnyTokenizer own = tokenizer_of(folder_of(ligase::find_checkpoint(run.checkpoint)));
  if (name == "char") {
    name = own.name();
  } else if (const ligase::AnyTokenizer given = tokenizer_named(name, "tokenizer");
             given.name() != own.name() || given.vocab_size() != own.vocab_size()) {
    throw Error{{.kind = ErrorKind::usage,
                 .what = "the checkpoint " + run.checkpoint + " has another tokenizer",
                 .where = "tokenizer",
                 .expected = own.name() + ", or the name left out",
                 .found = name}};
  }
  return own;
}

/// Names of tasks and classes go into runs.csv and JSON.
void check_name(const std::string& name, const std::string& where) {
  if (one_line(name) != name)
    throw Error{{.kind = ErrorKind::input,
                 .what = "a name of a task or class cannot be written into a line of text",
                 .where = where,
                 .expected = "UTF-8 without control characters",
                 .found = "'" + one_line(name) + "'"}};
}

/// A model's checkpoint is there and is that model's.
void check_model(const SweepModel& model) {
  if (model.checkpoint.empty() || model.name == "cnn") return;  // the CNN's is refused with its settings
  const std::string own = model_of_checkpoint(ligase::find_checkpoint(model.checkpoint));
  if (own != model.name)
    throw Error{{.kind = ErrorKind::usage,
                 .what = "the checkpoint " + model.checkpoint + " is another model's",
                 .where = "model " + model.name,
                 .expected = own,
                 .found = model.name}};
}

}  // namespace

void add_grid_flags(Arguments& a) {
  a.required(
       "data", "DIR",
       "folder of tasks: {train,test,dev}.csv, FASTA with labels, or {train,test}/<class>/*.txt; .gz and .tar.gz too")
      .option("task", "NAME,...|all", "all", "paths of tasks below --data")
      .option("model", "NAME", "cnn",
              "cnn, caduceus-ps, caduceus-ph or mamba; default with --checkpoint: the checkpoint's")
      .option("checkpoint", "DIR", "", "pretrained backbone to start from; default: from scratch")
      .option("tokenizer", "NAME|FILE", "char", "as pretrain takes it; a checkpoint brings its own")
      .option("seeds", "N,...", "1,2,3,4,5", "a run for each; a seed decides split, weights, order and augmentation")
      .option("protocol", "original|strict", "strict",
              "sizes, schedule and validation of the original scripts, or of the data")
      .option("sweep", "FILE.json", "",
              "grid of tasks, models, hyperparameters and seeds, in place of the flags above and below")
      .option("epochs", "N", "", "default: 10; nucleotide_transformer_tasks 20")
      .option("batch-size", "N", "", "default: 64 for cnn, else 128")
      .option("learning-rate", "X", "", "highest rate; default: 0.001")
      .option("weight-decay", "X", "", "default: 0.1")
      .option("max-length", "N", "", "tokens of a padded row; default: by protocol")
      .option("d-model", "N", "", "channels of a backbone from scratch; default: 118")
      .option("n-layer", "N", "", "its layers; default: 4")
      .option("patience", "N", "", "stop after so many epochs without a better one; default: never")
      .option("conjoin", "none|test|train", "", "average over both strands; default: test for caduceus-ph, else none")
      .option("rc-augment", "on|off", "",
              "reverse-complement training rows with probability 1/2; default: on for mamba and with --conjoin test")
      .option("validation", "split|dev", "", "a random tenth of train, or the set's dev split; default: by protocol")
      .toggle("frozen", "train the head alone: a linear probe of the backbone");
}

FinetunePlan make_plan(Suite suite, const Arguments& a, const CommonFlags& common) {
  Sweep sweep;
  if (a.given("sweep")) {
    for (const char* flag : grid_flags)
      if (a.given(flag))
        throw Error{{.kind = ErrorKind::usage,
                     .what = "and --sweep exclude each other: the file names the grid",
                     .where = std::string("--") + flag}};
    sweep = read_sweep(a.path("sweep"), {finetune_models(), hyperparameter_names()});
  } else {
    sweep = sweep_of_flags(a, common);
  }
  for (const SweepModel& model : sweep.models) check_model(model);

  FinetunePlan plan;
  const std::string names_from = a.given("sweep") ? a.text("sweep") + ": field \"tasks\"" : "--task";
  const auto places = select_tasks(ligase::find_tasks(a.path("data")), sweep.tasks, names_from, plan.left_out);
  std::vector<std::string> names;
  for (const ligase::TaskPlace& place : places) names.push_back(place.name);
  std::vector<SweepRun> grid = expand_sweep(sweep, names);
  if (a.given("shard")) grid = take_shard(grid, read_shard("--shard", a.text("shard")));
  std::set<std::string> needed;
  for (const SweepRun& run : grid) needed.insert(run.run.task);
  for (const ligase::TaskPlace& place : places) {
    if (!needed.contains(place.name)) continue;
    check_name(place.name, a.text("data"));
    const ligase::Task& task = plan.tasks.emplace(place.name, ligase::read_task(place)).first->second;
    for (const std::string& name : task.classes) check_name(name, place.name);
  }
  std::set<std::string> keys;
  for (SweepRun& run : grid) {
    const ligase::AnyTokenizer tokenizer = tokenizer_of_run(run);
    (void)ligase::LabelledRows({}, tokenizer, 1);  // refuses one that cannot pad
    plan.settings.push_back(settings_of(suite, run, plan.tasks.at(run.run.task), common.precision, tokenizer));
    plan.runs.push_back(run.run);
    plan.runs.back().hyperparameters = plan.settings.back().json();
    if (!keys.insert(run_key(plan.runs.back())).second)
      throw Error{{.kind = ErrorKind::usage,
                   .what = "a run stands twice in the grid: two of its hyperparameters come to the same",
                   .where = run.run.task + ", " + run.run.model,
                   .found = run.run.hyperparameters}};
  }
  return plan;
}

}  // namespace ligase_cli
