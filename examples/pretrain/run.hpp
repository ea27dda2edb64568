#pragma once

#include <common/memory.hpp>
#include <common/progress.hpp>
#include <common/stop.hpp>
#include <common/tokenizers.hpp>
#include <pretrain/checks.hpp>
#include <pretrain/config.hpp>
#include <pretrain/data.hpp>
#include <pretrain/options.hpp>
#include <pretrain/plan.hpp>

#include <ligase/io/folder_lock.hpp>
#include <ligase/train/loop.hpp>
#include <ligase/train/metric.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

namespace pretrain {

using namespace ligase;
using ligase_cli::AnyModel;
using ligase_cli::Progress;

/// Forward and backward pass of one micro-batch; run.cuh has that of a GPU.
template <class Network, class D>
struct MicroBatch {
  MicroBatch(Network& of, Index, TokenId ignored, Index) : network(of), ignore(ignored) {}

  BatchResult operator()(Context<D>& context, const Batch& batch) {
    context.offsets = batch.offsets;
    const auto loss =
        network.loss_and_gradients(context, to_device<D>(batch.ids), to_device<D>(batch.labels), ignore);
    return {loss.loss, batch.ids.count()};
  }

  /// What lives while validation may use the pass's memory.
  std::nullptr_t lend_memory() { return nullptr; }

  Network& network;
  TokenId ignore;
};

/// Bar on the terminal, checkpoint after every saved state, validation loss; watches the data and for signals.
template <class M, class D>
struct Callbacks {
  M& model;
  MicroBatch<typename M::Network, D>& micro_batch;
  const RunFolder& folder;
  const Data& data;
  Progress& progress;
  int threads = 1;
  bool quiet = false;
  bool has_saved_tokenizer = false;

  void on_step(const StepReport& r) {
    char note[64];
    std::snprintf(note, sizeof note, "loss %.4f, %.0f tokens/s", r.loss, r.tokens_per_second);
    progress.update(r.step, note);
    data.check_unchanged();
  }
  bool should_stop() const { return ligase_cli::stop_signal != 0; }
  /// The tokenizer never changes: its files are written once, before the first weights that need them.
  void on_save(Index) {
    if (!std::exchange(has_saved_tokenizer, true)) {
      std::filesystem::create_directories(folder.checkpoint());
      ligase_cli::save_tokenizer(model.tokenizer(), folder.checkpoint());
    }
    model.save(folder.checkpoint());
  }
  void on_eval(Index step) {
    [[maybe_unused]] const auto memory = micro_batch.lend_memory();
    Context<D> context;
    context.threads = threads;
    const TokenId ignore = target_ids_of(model.tokenizer()).ignore;
    MeanLoss mean;
    for (Index k = 0; k < std::min<Index>(data.validation_batches(), most_validation_batches); ++k) {
      const Batch batch = data.validation(k);
      context.offsets = batch.offsets;
      const auto loss = model.network().loss(context, to_device<D>(batch.ids), to_device<D>(batch.labels), ignore);
      mean.update(loss.loss, loss.count);
    }
    if (!quiet && mean.targets() > 0)
      std::printf("step %lld: validation loss %.5f over %lld targets\n", static_cast<long long>(step), mean.value(),
                  static_cast<long long>(mean.targets()));
  }

  static constexpr Index most_validation_batches = 32;
};

/// Sizes of a run; run.cuh has those on a GPU.
template <class Backbone, class D, class P>
struct Planner {
  static Plan plan(const Options& options) { return plan_training(options); }
};

/// Makes room for what the run will hold, beside what a recorded pass has to itself.
template <class D>
void reserve_memory(const Options& o, const Plan& plan) {
  double bytes = plan.bytes;
  if (!D::on_host) {
    constexpr double ends_of_blocks = 1 << 21, per_token = 2 * sizeof(TokenId);
    const auto tokens = static_cast<double>(o.batch_size * tokens_of_window(o));
    bytes = ends_of_blocks + (plan.pass_room > 0 ? plan.kept_bytes + per_token * tokens : bytes * 33 / 32);
  }
  if (!reserve(D{}, static_cast<Index>(bytes)))
    throw Error{{.kind = ErrorKind::io,
                 .what = D::on_host ? "out of memory" : "the GPU is out of memory",
                 .expected = std::to_string(static_cast<Index>(plan.bytes)) + " free bytes"}};
}

template <class Backbone, class D, class P>
AnyModel<Backbone, D, P> make_model(const Options& o) {
  if (!o.checkpoint.empty()) return AnyModel<Backbone, D, P>::load(o.checkpoint.string(), o.tokenizer);
  return AnyModel<Backbone, D, P>(config_of<Backbone>(o), o.common.seed, o.tokenizer);
}

/// Tokens per second of a training step, from one layer of these channels run on this machine for a moment.
template <class Backbone, class D, class P>
double estimated_rate(const Options& o, typename Backbone::Config config) {
  const auto layers = static_cast<double>(config.n_layer);
  config.n_layer = 1;
  AnyModel<Backbone, D, P> model(config, o.common.seed, o.tokenizer);
  allocate_gradients(model);
  constexpr Index most_tokens = D::on_host ? 4096 : 1 << 17;
  const Index length = std::min<Index>(o.length, D::on_host ? 1024 : most_tokens),
              batch = std::min<Index>(o.batch_size, std::max<Index>(1, most_tokens / length));
  Tensor<TokenId> some({batch, length});
  std::fill(some.data(), some.data() + some.count(), static_cast<TokenId>(o.tokenizer.vocab_size() - 1));
  const auto ids = to_device<D>(some);
  Context<D> context;
  context.threads = o.common.threads;
  double seconds = 0;
  for (int i = 0; i < 2; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    model.network().loss_and_gradients(context, ids, ids, -1);
    ligase_cli::wait_for<D>();
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  return static_cast<double>(ids.count()) / (seconds * layers * (o.recompute.layers || o.recompute.group > 0 ? 4.0 / 3 : 1));
}

/// Sizes, memory and time of the run, without running it.
template <class Backbone, class D, class P>
void print_sizes(const Options& o, const Plan& plan) {
  const Data data(o);
  const Index per_batch = o.batch_size * tokens_of_window(o), tokens = per_batch * o.accumulate;
  const double per_token = (plan.bytes - plan.kept_bytes) / static_cast<double>(per_batch);
  const double rate = estimated_rate<Backbone, D, P>(o, config_of<Backbone>(o));
  const double seconds = static_cast<double>(tokens) * static_cast<double>(o.steps) / rate;
  std::printf("%s: %lld parameters; %lld training windows of %lld bp; %lld steps of %lld tokens\n", o.model.c_str(),
              static_cast<long long>(plan.parameters), static_cast<long long>(data.training_windows()),
              static_cast<long long>(o.length), static_cast<long long>(o.steps), static_cast<long long>(tokens));
  std::printf("tensors: at most %.1f MB at once, of these %.1f MB weights, gradients and moments; %.0f bytes per token\n",
              plan.bytes / 1e6, plan.kept_bytes / 1e6, per_token);
  if (D::on_host)
    std::printf("time: about %.0f s at %.0f tokens/s on %d threads\n", seconds, rate, o.common.threads);
  else
    std::printf("time: about %.0f s at %.0f tokens/s on the GPU\n", seconds, rate);
  const OrderedJson sizes{{"model", o.model},
                          {"parameters", plan.parameters},
                          {"windows", data.training_windows()},
                          {"steps", o.steps},
                          {"tokens_per_step", tokens},
                          {"peak_tensor_bytes", plan.bytes},
                          {"bytes_per_token", per_token},
                          {"estimated_tokens_per_second", rate},
                          {"estimated_seconds", seconds}};
  if (!o.common.json.empty()) write_json_file(o.common.json, sizes);
}

/// Trains the model in the run's folder and writes the result. Returns the steps that are made: fewer than asked for where a
/// signal came.
template <class Backbone, class D, class P>
Index train_in(const RunFolder& folder, AnyModel<Backbone, D, P>& model, Data& data, const Options& o,
               const Plan& plan) {
  const CosineSchedule schedule = pretraining_schedule(o.learning_rate, o.steps);
  const Json flags = flags_of(o);
  ligase_cli::listen_for_stop();
  folder.create();
  const FolderLock lock(o.out);
  check_vacant(o);  // another run may have come and gone since the first look
  if (o.overwrite) folder.clear();

  AdamW<typename P::Weight, D> optimizer;
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

  if (schedule.rises())
    std::fprintf(stderr,
                 "warning: --learning-rate %g lies below the schedule's end of %g: the rate will rise after warm-up\n",
                 o.learning_rate, schedule.lr_min);
  if (!o.common.quiet)
    std::printf("%s: %lld parameters, %lld training windows of %lld bp\n", o.model.c_str(),
                static_cast<long long>(parameter_count(model)), static_cast<long long>(data.training_windows()),
                static_cast<long long>(o.length));
  std::fflush(stdout);
  data.start(trainer.step() * o.accumulate);
  Progress progress("pretrain", "steps", o.steps, o.common.quiet, trainer.step());
  MicroBatch<typename AnyModel<Backbone, D, P>::Network, D> micro_batch(
      model.network(), model.config().padded_vocab_size(), target_ids_of(o.tokenizer).ignore, plan.pass_room);
  Callbacks<AnyModel<Backbone, D, P>, D> callbacks{model,    micro_batch,      folder,        data,
                                                   progress, o.common.threads, o.common.quiet};
  Context<D> context;
  context.threads = o.common.threads;
  context.random.seed = o.common.seed;
  trainer.run(
      context, [&](Index) { return data.next(); },
      [&](Context<D>& c, auto&, const Batch& batch) { return micro_batch(c, batch); }, callbacks);
  if (!trainer.finished()) return trainer.step();
  progress.finish();

  const TrainState& state = trainer.state();
  OrderedJson result{{"model", o.model},
                     {"tokenizer", o.tokenizer.name()},
                     {"parameters", parameter_count(model)},
                     {"steps", state.step},
                     {"tokens", state.tokens},
                     {"bases", state.batches * o.batch_size * o.length},
                     {"loss", state.last_loss},
                     {"checkpoint", folder.checkpoint().string()}};
  write_json_file(folder.result(), result);
  if (!o.common.json.empty()) write_json_file(o.common.json, result);
  return state.step;
}

template <class Backbone, class D, class P>
void train(const Options& o, const Plan& plan) {
  const RunFolder folder{o.out};
  check_vacant(o);
  std::optional<TrainState> saved;
  if (o.resume && has_training_state(folder)) {
    saved = read_training_state(folder);
    check_same_flags(saved->flags, flags_of(o), folder.state().string());
    if (saved->step == o.steps && std::filesystem::exists(folder.result()) && has_whole_checkpoint(folder)) {
      if (!o.common.json.empty()) write_file(o.common.json, read_file(folder.result()));
      if (!o.common.quiet) std::printf("%s: all %lld steps are done\n", o.out.c_str(), static_cast<long long>(o.steps));
      return;
    }
    check_log(folder, saved->step);
  }

  Data data(o);
  if (saved) data.check_same(saved->extra);
  reserve_memory<D>(o, plan);
  auto model = make_model<Backbone, D, P>(o);
  set_recompute(model.network().backbone.stack, o.recompute);
  Index made = 0;
  try {
    made = train_in<Backbone, D, P>(folder, model, data, o, plan);
  } catch (const Error& e) {
    throw with_advice(e);
  }
  if (made < o.steps)
    throw Error{{.kind = ErrorKind::io,
                 .what = "stopped by signal " + std::to_string(ligase_cli::stop_signal) + " after step " +
                         std::to_string(made) + ", which is saved: the same command with --resume goes on",
                 .where = folder.state().string()}};
}

template <class Backbone, class D, class P>
void run(const Options& options) {
  check_outputs(options);
  check_vocabulary(options);
  const Plan plan = Planner<Backbone, D, P>::plan(options);
  if (D::on_host)
    ligase_cli::check_memory(plan.bytes, "training", "--d-model, --n-layer, --batch-size, --length");
  options.dry_run ? print_sizes<Backbone, D, P>(options, plan) : train<Backbone, D, P>(options, plan);
}

}  // namespace pretrain
