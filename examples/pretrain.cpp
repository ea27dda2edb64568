#include <common/models.hpp>
#include <common/program.hpp>
#include <common/progress.hpp>

#include <ligase/genome.hpp>
#include <ligase/train/loop.hpp>

#include <cstdio>
#include <memory>
#include <optional>

namespace {

using namespace ligase;
using namespace ligase_cli;

struct Options {
  CommonFlags common;
  std::string model, objective, intervals, recompute;
  std::filesystem::path fasta, bed, out;
  std::string checkpoint;
  Index length = 0, steps = 0, batch_size = 0, accumulate = 0, d_model = 0, n_layer = 0, save_every = 0, eval_every = 0;
  double learning_rate = 0, mlm_probability = 0;
  bool rc_augment = false, resume = false, overwrite = false, dry_run = false;
};

Options read_options(Arguments& a) {
  Options o;
  o.common = a.common();
  check_device(o.common);
  o.model = a.choice("model", model_names());
  o.fasta = a.path("fasta");
  if (a.given("bed")) o.bed = a.path("bed");
  o.out = a.path("out");
  o.length = a.positive("length");
  o.steps = a.positive("steps");
  o.batch_size = a.positive("batch-size");
  o.accumulate = a.positive("accumulate");
  o.learning_rate = a.positive_real("learning-rate");
  o.d_model = a.positive("d-model");
  o.n_layer = a.positive("n-layer");
  const bool causal = o.model == "mamba";
  o.objective = a.given("objective") ? a.choice("objective", {"mlm", "causal"}) : causal ? "causal" : "mlm";
  if (o.objective == "causal" && !causal)
    throw Error{{.kind = ErrorKind::usage,
                 .what = "a model that reads in both directions sees the token it should predict",
                 .where = "--objective",
                 .expected = "mlm for " + o.model,
                 .found = "causal"}};
  o.mlm_probability = a.probability("mlm-probability");
  if (o.objective == "mlm" && o.mlm_probability == 0)
    throw Error{{.kind = ErrorKind::usage, .what = "nothing would be masked", .where = "--mlm-probability", .expected = "above 0"}};
  o.intervals = a.choice("intervals", {"strict", "original"});
  o.recompute = a.choice("recompute", {"none", "layer"});
  if (a.text("tokenizer") != "char")
    throw Error{{.kind = ErrorKind::usage,
                 .what = "this build trains on single bases only",
                 .where = "--tokenizer",
                 .expected = "char",
                 .found = a.text("tokenizer")}};
  if (a.given("checkpoint")) o.checkpoint = a.text("checkpoint");
  if (a.given("save-every")) o.save_every = a.positive("save-every");
  if (a.given("eval-every")) o.eval_every = a.positive("eval-every");
  o.rc_augment = a.on("rc-augment");
  o.resume = a.on("resume");
  o.overwrite = a.on("overwrite");
  o.dry_run = a.on("dry-run");
  if (o.resume && o.overwrite)
    throw Error{{.kind = ErrorKind::usage, .what = "--resume and --overwrite exclude each other", .where = "pretrain"}};
  return o;
}

/// Everything that the result depends on: a resumed run must have been started with the same.
Json flags_of(const Options& o) {
  return Json{{"model", o.model},
              {"objective", o.objective},
              {"fasta", std::filesystem::absolute(o.fasta).string()},
              {"bed", o.bed.empty() ? "" : std::filesystem::absolute(o.bed).string()},
              {"intervals", o.intervals},
              {"length", o.length},
              {"steps", o.steps},
              {"batch-size", o.batch_size},
              {"accumulate", o.accumulate},
              {"learning-rate", o.learning_rate},
              {"mlm-probability", o.mlm_probability},
              {"rc-augment", o.rc_augment},
              {"d-model", o.d_model},
              {"n-layer", o.n_layer},
              {"checkpoint", o.checkpoint},
              {"recompute", o.recompute},
              {"precision", o.common.precision},
              {"seed", o.common.seed},
              {"save-every", o.save_every},
              {"eval-every", o.eval_every}};
}

struct Data {
  std::shared_ptr<const Fasta> fasta;
  std::vector<BedRow> rows;
  std::optional<Windows> train, valid;
};

Data open_data(const Options& o) {
  Data d;
  d.fasta = std::make_shared<const Fasta>(o.fasta);
  const IntervalMode mode = o.intervals == "strict" ? IntervalMode::strict : IntervalMode::original;
  if (o.bed.empty()) {
    d.rows = split_rows(*d.fasta, o.length);
  } else {
    d.rows = read_bed(o.bed);
    check_bed(d.rows, d.fasta->contigs(), o.bed);
  }
  d.train.emplace(d.rows, "train", o.length, mode, d.fasta->contigs(), o.bed);
  if (o.eval_every > 0) d.valid.emplace(d.rows, "valid", o.length, mode, d.fasta->contigs(), o.bed);
  if (mode == IntervalMode::original && !o.common.quiet)
    std::printf("%lld of %lld training windows touch rows of other splits\n",
                static_cast<long long>(windows_touching_other_splits(*d.train, d.rows, "train")),
                static_cast<long long>(d.train->size()));
  return d;
}

template <class M>
void set_recompute(M& model, bool layers) {
  for (auto& layer : model.network().backbone.stack.layers) layer.recompute = layers;
}

BatchOptions batch_options(const Options& o, bool training) {
  BatchOptions b;
  b.batch_size = o.batch_size;
  b.length = o.length;
  b.objective = o.objective == "mlm" ? Objective::mlm : Objective::causal;
  b.mlm_probability = o.mlm_probability;
  b.rc_augment = o.rc_augment;
  b.training = training;
  b.samples_per_step = o.batch_size * o.accumulate;
  b.seed = o.common.seed;
  return b;
}

/// Bar on the terminal, checkpoint after every saved state, validation loss.
template <class M>
struct Callbacks {
  M& model;
  const RunFolder& folder;
  Progress& progress;
  BatchMaker<FastaDataset, CharTokenizer>* validation = nullptr;
  int threads = 1;
  bool quiet = false;

  void on_step(const StepReport& r) {
    char note[64];
    std::snprintf(note, sizeof note, "loss %.4f, %.0f tokens/s", r.loss, r.tokens_per_second);
    progress.update(r.step, note);
  }
  void on_save(Index) { model.save(folder.checkpoint()); }
  void on_eval(Index step) {
    if (validation == nullptr) return;
    Context<> context;
    context.threads = threads;
    double sum = 0;
    Index count = 0;
    for (Index k = 0; k < std::min<Index>(validation->batches_per_epoch(), validation_batches); ++k) {
      const Batch batch = (*validation)(k);
      const auto loss = model.network().loss(context, batch.ids, batch.labels, CharTokenizer::pad);
      sum += loss.loss * static_cast<double>(loss.count);
      count += loss.count;
    }
    if (!quiet && count > 0)
      std::printf("step %lld: validation loss %.5f over %lld targets\n", static_cast<long long>(step),
                  sum / static_cast<double>(count), static_cast<long long>(count));
  }

  static constexpr Index validation_batches = 32;
};

template <class Backbone, class P>
CharModel<Backbone, P> make_model(const Options& o) {
  if (!o.checkpoint.empty()) return CharModel<Backbone, P>::load(o.checkpoint);
  typename Backbone::Config config;
  config.d_model = o.d_model;
  config.n_layer = o.n_layer;
  return CharModel<Backbone, P>(config, o.common.seed);
}

template <class Backbone, class P>
void dry_run(const Options& o) {
  auto model = make_model<Backbone, P>(o);
  const Data data = open_data(o);
  std::printf("%s: %lld parameters; %lld training windows of %lld bp; %lld steps of %lld tokens\n", o.model.c_str(),
              static_cast<long long>(parameter_count(model)), static_cast<long long>(data.train->size()),
              static_cast<long long>(o.length), static_cast<long long>(o.steps),
              static_cast<long long>(o.batch_size * o.accumulate * o.length));
}

template <class Backbone, class P>
void train(const Options& o) {
  using T = typename P::Activation;
  const RunFolder folder{o.out};
  const Json flags = flags_of(o);
  if (std::filesystem::exists(o.out) && !std::filesystem::is_directory(o.out))
    throw Error{{.kind = ErrorKind::usage, .what = "the output exists and is no folder", .where = o.out.string()}};
  const bool occupied = std::filesystem::exists(o.out) && !std::filesystem::is_empty(o.out);
  if (occupied && !o.resume && !o.overwrite)
    throw Error{{.kind = ErrorKind::usage,
                 .what = "the output folder is not empty",
                 .where = o.out.string(),
                 .expected = "--resume to go on, --overwrite to begin anew, or another folder"}};
  if (o.resume && has_training_state(folder)) {
    const TrainState saved = read_training_state(folder);
    check_same_flags(saved.flags, flags, folder.state().string());
    if (saved.step >= o.steps && std::filesystem::exists(folder.result())) {
      if (!o.common.quiet) std::printf("%s: all %lld steps are done\n", o.out.c_str(), static_cast<long long>(o.steps));
      return;
    }
  }

  auto model = make_model<Backbone, P>(o);
  set_recompute(model, o.recompute == "layer");
  const Data data = open_data(o);
  const CosineSchedule schedule = pretraining_schedule(o.learning_rate, o.steps);
  if (schedule.rises())
    std::fprintf(stderr, "warning: --learning-rate %g lies below the schedule's end of %g: the rate will rise after warm-up\n",
                 o.learning_rate, schedule.lr_min);
  if (o.overwrite) folder.clear();
  folder.create();
  write_bed(o.out / "intervals.bed", data.rows);

  AdamW<T> optimizer;
  TrainOptions options;
  options.steps = o.steps;
  options.accumulate = o.accumulate;
  options.save_every = o.save_every;
  options.eval_every = o.eval_every;
  Trainer trainer(model, optimizer, schedule, options);
  if (o.resume)
    trainer.resume(folder, flags);
  else
    trainer.start(folder, flags);

  if (!o.common.quiet)
    std::printf("%s: %lld parameters, %lld training windows of %lld bp\n", o.model.c_str(),
                static_cast<long long>(parameter_count(model)), static_cast<long long>(data.train->size()),
                static_cast<long long>(o.length));
  std::fflush(stdout);
  BatchMaker<FastaDataset, CharTokenizer> maker(std::make_shared<const FastaDataset>(data.fasta, *data.train),
                                                CharTokenizer{}, batch_options(o, true));
  std::optional<BatchMaker<FastaDataset, CharTokenizer>> validation;
  if (data.valid)
    validation.emplace(std::make_shared<const FastaDataset>(data.fasta, *data.valid), CharTokenizer{},
                       batch_options(o, false));
  Loader loader(maker, trainer.step() * o.accumulate, o.steps * o.accumulate);
  Progress progress("pretrain", "steps", o.steps, o.common.quiet, trainer.step());
  Callbacks<CharModel<Backbone, P>> callbacks{model,   folder, progress, validation ? &*validation : nullptr,
                                              o.common.threads, o.common.quiet};
  Context<> context;
  context.threads = o.common.threads;
  context.random.seed = o.common.seed;
  double last_loss = 0;
  trainer.run(
      context, [&](Index) { return *loader.next(); },
      [&](Context<>& c, auto& m, const Batch& batch) {
        const auto loss = m.network().loss_and_gradients(c, batch.ids, batch.labels, CharTokenizer::pad);
        last_loss = loss.loss;
        return BatchResult{loss.loss, batch.ids.count()};
      },
      callbacks);
  progress.finish();

  const TrainState& state = trainer.state();
  OrderedJson result{{"model", o.model},
                     {"parameters", parameter_count(model)},
                     {"steps", state.step},
                     {"tokens", state.tokens},
                     {"loss", state.last_loss},
                     {"checkpoint", folder.checkpoint().string()}};
  write_json_file(folder.result(), result);
  if (!o.common.json.empty()) write_json_file(o.common.json, result);
}

}  // namespace

int main(int argc, char** argv) {
  return run_program(argc, argv, [](int count, char** words) {
    Arguments a("pretrain", "Pretrains a genomic language model on windows of a FASTA file.",
                "pretrain --model caduceus-ps --fasta chr20.fa.gz --out run --length 1024 --steps 1000 --batch-size 8");
    a.option("model", "NAME", "caduceus-ps", "caduceus-ps, caduceus-ph or mamba")
        .required("fasta", "FILE", "genome: plain, gzip or bgzip, with or without index")
        .option("bed", "FILE", "", "rows chrom, start, end, split (train, valid, test); default: blocks of 2^20 bp by number")
        .required("out", "DIR", "folder for checkpoint, training state, log.jsonl and result.json")
        .option("length", "N", "1024", "window length in tokens")
        .option("steps", "N", "10000", "optimiser steps")
        .option("batch-size", "N", "8", "windows per forward pass")
        .option("accumulate", "N", "1", "forward passes per optimiser step")
        .option("learning-rate", "X", "0.008", "highest rate; warm-up over a tenth of the steps, then cosine to 1e-4")
        .option("d-model", "N", "128", "channels")
        .option("n-layer", "N", "4", "layers")
        .option("objective", "mlm|causal", "", "default: mlm for caduceus, causal for mamba")
        .option("mlm-probability", "P", "0.15", "share of positions that are predicted")
        .toggle("rc-augment", "reverse-complement training windows with probability 1/2")
        .option("tokenizer", "NAME", "char", "char")
        .option("intervals", "strict|original", "strict", "windows inside their row, or the original's extension to 2^20 bp")
        .option("checkpoint", "DIR", "", "weights and configuration to start from")
        .option("save-every", "N", "", "steps between saved states; default: about a minute")
        .option("eval-every", "N", "", "steps between validation losses; default: never")
        .option("recompute", "none|layer", "none", "keep every layer's input alone and run layers again backward")
        .toggle("resume", "go on from the saved state in --out")
        .toggle("overwrite", "replace what is in --out")
        .toggle("dry-run", "print sizes, train nothing")
        .common_flags();
    if (!a.parse(count, words)) return;
    const Options o = read_options(a);
    with_model(o.model, o.common.precision, [&]<class Backbone, class P>() {
      o.dry_run ? dry_run<Backbone, P>(o) : train<Backbone, P>(o);
    });
  });
}
