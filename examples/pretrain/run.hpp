#pragma once

#include <common/models.hpp>
#include <common/progress.hpp>
#include <pretrain/options.hpp>

#include <ligase/genome.hpp>
#include <ligase/io/folder_lock.hpp>
#include <ligase/train/loop.hpp>

#include <cstdio>
#include <memory>
#include <optional>

namespace pretrain {

using namespace ligase;
using ligase_cli::CharModel;
using ligase_cli::Progress;

/// Everything that the result depends on: a resumed run must have been started with the same.
inline Json flags_of(const Options& o) {
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

inline Data open_data(const Options& o) {
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

inline BatchOptions batch_options(const Options& o, bool training) {
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
void print_sizes(const Options& o) {
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
  folder.create();
  const FolderLock lock(o.out);
  if (o.overwrite) folder.clear();
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
  trainer.run(
      context, [&](Index) { return *loader.next(); },
      [&](Context<>& c, auto& m, const Batch& batch) {
        const auto loss = m.network().loss_and_gradients(c, batch.ids, batch.labels, CharTokenizer::pad);
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

template <class Backbone, class P>
void run(const Options& options) {
  options.dry_run ? print_sizes<Backbone, P>(options) : train<Backbone, P>(options);
}

}  // namespace pretrain
