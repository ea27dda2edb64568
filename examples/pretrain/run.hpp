#pragma once

#include <common/models.hpp>
#include <common/progress.hpp>
#include <pretrain/checks.hpp>
#include <pretrain/data.hpp>
#include <pretrain/options.hpp>
#include <pretrain/stop.hpp>

#include <ligase/io/folder_lock.hpp>
#include <ligase/train/loop.hpp>

#include <cstdio>
#include <memory>
#include <optional>

namespace pretrain {

using namespace ligase;
using ligase_cli::CharModel;
using ligase_cli::Progress;

template <class M>
void set_recompute(M& model, bool layers) {
  for (auto& layer : model.network().backbone.stack.layers) layer.recompute = layers;
}

/// Bar on the terminal, checkpoint after every saved state, validation loss; watches the FASTA and for signals.
template <class M>
struct Callbacks {
  M& model;
  const RunFolder& folder;
  const Data& data;
  Progress& progress;
  int threads = 1;
  bool quiet = false;

  void on_step(const StepReport& r) {
    char note[64];
    std::snprintf(note, sizeof note, "loss %.4f, %.0f tokens/s", r.loss, r.tokens_per_second);
    progress.update(r.step, note);
    data.check_unchanged();
  }
  bool should_stop() const { return stop_signal != 0; }
  void on_save(Index) { model.save(folder.checkpoint()); }
  void on_eval(Index step) {
    Context<> context;
    context.threads = threads;
    double sum = 0;
    Index count = 0;
    for (Index k = 0; k < std::min<Index>(data.validation_batches(), most_validation_batches); ++k) {
      const Batch batch = data.validation(k);
      const auto loss = model.network().loss(context, batch.ids, batch.labels, CharTokenizer::pad);
      sum += loss.loss * static_cast<double>(loss.count);
      count += loss.count;
    }
    if (!quiet && count > 0)
      std::printf("step %lld: validation loss %.5f over %lld targets\n", static_cast<long long>(step),
                  sum / static_cast<double>(count), static_cast<long long>(count));
  }

  static constexpr Index most_validation_batches = 32;
};

/// A lower bound of the bytes that training needs: weights, gradients and two moments, and of the activations one input per
/// layer.
template <class Backbone, class P>
double least_memory(const Options& o, typename Backbone::Config config) {
  const CharTokenizer tokenizer;
  config.vocab_size = tokenizer.vocab_size();
  if constexpr (requires { config.complement_map; })
    config.complement_map = tokenizer.complement_map(config.padded_vocab_size());
  LanguageModel<Backbone, meta, P> sizes(config);
  const double activations = static_cast<double>(o.batch_size) * static_cast<double>(o.length) *
                             static_cast<double>(config.d_model) * static_cast<double>(config.n_layer);
  return (4.0 * static_cast<double>(parameter_count(sizes)) + activations) * static_cast<double>(sizeof(typename P::Activation));
}

template <class Backbone, class P>
CharModel<Backbone, P> make_model(const Options& o) {
  typename Backbone::Config config;
  config.d_model = o.d_model;
  config.n_layer = o.n_layer;
  check_memory(least_memory<Backbone, P>(o, config));
  if (!o.checkpoint.empty()) return CharModel<Backbone, P>::load(o.checkpoint.string());
  return CharModel<Backbone, P>(config, o.common.seed);
}

template <class Backbone, class P>
void print_sizes(const Options& o) {
  auto model = make_model<Backbone, P>(o);
  const Data data(o);
  const Index parameters = parameter_count(model), tokens = o.batch_size * o.accumulate * o.length;
  std::printf("%s: %lld parameters; %lld training windows of %lld bp; %lld steps of %lld tokens\n", o.model.c_str(),
              static_cast<long long>(parameters), static_cast<long long>(data.training_windows()),
              static_cast<long long>(o.length), static_cast<long long>(o.steps), static_cast<long long>(tokens));
  const OrderedJson sizes{{"model", o.model},
                          {"parameters", parameters},
                          {"windows", data.training_windows()},
                          {"steps", o.steps},
                          {"tokens_per_step", tokens}};
  if (!o.common.json.empty()) write_json_file(o.common.json, sizes);
}

template <class Backbone, class P>
void train(const Options& o) {
  using T = typename P::Activation;
  const RunFolder folder{o.out};
  const Json flags = flags_of(o);
  check_vacant(o);
  std::optional<TrainState> saved;
  if (o.resume && has_training_state(folder)) {
    saved = read_training_state(folder);
    check_same_flags(saved->flags, flags, folder.state().string());
    if (saved->step == o.steps && std::filesystem::exists(folder.result())) {
      if (!o.common.quiet) std::printf("%s: all %lld steps are done\n", o.out.c_str(), static_cast<long long>(o.steps));
      return;
    }
  }

  auto model = make_model<Backbone, P>(o);
  set_recompute(model, o.recompute == "layer");
  Data data(o);
  if (saved) data.check_same(saved->extra);
  const CosineSchedule schedule = pretraining_schedule(o.learning_rate, o.steps);
  if (schedule.rises())
    std::fprintf(stderr, "warning: --learning-rate %g lies below the schedule's end of %g: the rate will rise after warm-up\n",
                 o.learning_rate, schedule.lr_min);
  folder.create();
  const FolderLock lock(o.out);
  if (o.overwrite) folder.clear();

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
  trainer.extra() = data.identity();
  data.write_rows(o.out / "intervals.bed");

  listen_for_stop();
  if (!o.common.quiet)
    std::printf("%s: %lld parameters, %lld training windows of %lld bp\n", o.model.c_str(),
                static_cast<long long>(parameter_count(model)), static_cast<long long>(data.training_windows()),
                static_cast<long long>(o.length));
  std::fflush(stdout);
  data.start(trainer.step() * o.accumulate);
  Progress progress("pretrain", "steps", o.steps, o.common.quiet, trainer.step());
  Callbacks<CharModel<Backbone, P>> callbacks{model, folder, data, progress, o.common.threads, o.common.quiet};
  Context<> context;
  context.threads = o.common.threads;
  context.random.seed = o.common.seed;
  try {
    trainer.run(
        context, [&](Index) { return data.next(); },
        [&](Context<>& c, auto& m, const Batch& batch) {
          const auto loss = m.network().loss_and_gradients(c, batch.ids, batch.labels, CharTokenizer::pad);
          return BatchResult{loss.loss, batch.ids.count()};
        },
        callbacks);
  } catch (const Error& e) {
    throw with_advice(e);
  }
  if (!trainer.finished())
    throw Error{{.kind = ErrorKind::io,
                 .what = "stopped by signal " + std::to_string(stop_signal) + " after step " +
                         std::to_string(trainer.step()) + ", which is saved: the same command with --resume goes on",
                 .where = folder.state().string()}};
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
  check_outputs(options);
  options.dry_run ? print_sizes<Backbone, P>(options) : train<Backbone, P>(options);
}

}  // namespace pretrain
