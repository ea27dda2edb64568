#pragma once

#include <ligase/train/log.hpp>
#include <ligase/train/optimizer.hpp>
#include <ligase/train/schedule.hpp>
#include <ligase/train/state.hpp>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <deque>
#include <exception>
#include <iterator>
#include <limits>
#include <new>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace ligase::inline LIGASE_ISA {

/// What a forward and backward pass over one micro-batch tells: the mean loss whose gradients were added to the
/// parameters, and the number of ids in the input batch (each once: strands, padding and recomputation do not count).
struct BatchResult {
  double loss = 0;
  Index tokens = 0;
};

/// The same of a pass that a device was given and may not have done yet. On such a device StepFigures<D> tells what came of it.
template <Device D>
struct PendingBatch {
  Tensor<double, D> sums;  ///< ops::LossSums, good until the next pass
  Index tokens = 0;
};
template <Device D>
class StepFigures;

struct TrainOptions {
  Index steps = 0;           ///< optimiser steps in all
  Index accumulate = 1;      ///< micro-batches per step; their gradients are averaged
  double max_norm = 1.0;     ///< gradients are clipped to this norm; infinity: not at all
  Index save_every = 0;      ///< steps between saved states; 0: by wall time
  double save_seconds = 60;  ///< wall time between saved states where save_every is 0
  Index eval_every = 0;      ///< steps between calls of on_eval; 0: never
};

/// Trains `module` with `optimizer` at the rates of `schedule` (any type with `double rate(Index step)`). Step t = 0,
/// 1, ...: gradients of `accumulate` micro-batches, their mean, clipping of the global norm, one update, a line of the
/// log. With a folder (`start` or `resume`) the log and the state are kept there, and a resumed run ends with the bits
/// of a run that was never interrupted, as long as the data of micro-batch i and the gradients depend on i and the
/// weights alone.
///
/// Callbacks are small objects with any of these members:
///   void on_step(const StepReport&)   after every step
///   void on_eval(Index step)          every `eval_every` steps and after the last one, before the state is saved; its
///                                     time counts in the next line of the log
///   void on_save(Index step)          after a state was saved, and once at the start of a resumed run, because what
///                                     was written from the state (a checkpoint) may be older than the state
///   bool should_stop()                asked after every step; true: save and return
template <class M, class T, Device D, class Schedule>
class Trainer {
 public:
  /// Keeps references to module and optimizer. Gives every parameter a gradient, unless some have one already (the
  /// others are frozen then).
  Trainer(M& module, AdamW<T, D>& optimizer, Schedule schedule, TrainOptions options)
      : module_(module), optimizer_(optimizer), schedule_(std::move(schedule)), options_(options) {
    detail::check_positive("number of micro-batches per step", options_.accumulate);
    bool any = false;
    visit_parameters(module_, [&](const std::string&, auto& p) { any = any || p.trained(); });
    if (!any) allocate_gradients(module_);
    optimizer_.reset(module_);
  }

  /// Keeps log and state in `folder` (made where it is missing) from step 0 on. `flags` is a JSON object of everything
  /// that the result depends on. State, log and result of another run in that folder are removed.
  void start(const RunFolder& folder, Json flags) {
    folder.create();
    folder.clear_progress();
    log_ = TrainingLog::create(folder.log());
    folder_ = folder;
    state_.flags = std::move(flags);
  }

  /// Continues from the state in `folder`: restores weights, moments and counters, cuts the log back to the saved step.
  /// Returns false where there is no complete state: then this is `start`. Flags that differ from the saved ones: Error
  /// usage.
  bool resume(const RunFolder& folder, Json flags) {
    if (!has_training_state(folder)) {
      start(folder, std::move(flags));
      return false;
    }
    check_same_flags(read_training_state(folder).flags, flags, folder.state().string());
    TrainState saved = load_training_state(folder, module_, optimizer_);
    if (saved.batches != saved.step * options_.accumulate)
      throw Error{{.kind = ErrorKind::usage,
                   .what = "the saved run took another number of micro-batches per step",
                   .where = folder.state().string(),
                   .expected = std::to_string(saved.batches) + " in " + std::to_string(saved.step) + " steps",
                   .found = std::to_string(options_.accumulate) + " per step"}};
    if (saved.step > options_.steps)
      throw Error{{.kind = ErrorKind::input,
                   .what = "the saved run has made more steps than it was to make",
                   .where = folder.state().string(),
                   .expected = std::to_string(options_.steps) + " at the most",
                   .found = std::to_string(saved.step)}};
    folder.clear_temporaries();
    state_ = std::move(saved);
    state_.flags = std::move(flags);
    log_ = TrainingLog::resume(folder.log(), state_.step);
    folder_ = folder;
    saved_step_ = state_.step;
    restored_ = true;
    return true;
  }

  /// Steps made so far, those before a resume included.
  Index step() const { return state_.step; }
  bool finished() const { return state_.step >= options_.steps; }
  const TrainState& state() const { return state_; }
  /// A JSON object that is saved with the state and restored by `resume`: for what callbacks must remember.
  Json& extra() { return state_.extra; }

  /// Trains until all steps are made. `next(i)` returns micro-batch i = 0, 1, ...; `compute(context, module, batch)`
  /// adds gradients and returns a BatchResult. Random numbers of micro-batch i come from context.random with step = i.
  /// A loss or gradient norm that is not finite: Error numeric before the weights change. Input that fails during the
  /// run, and any other exception: Error io. Every Error says the step, the last finite loss and the place of the last
  /// saved state, which stays as it is.
  ///
  /// Where `compute` returns a PendingBatch, nothing waits for the device before it has the next step: a step's numbers are
  /// looked at, logged and shown to on_step after the following step was given, or at once where something is evaluated or
  /// saved, or the run ends. What is logged, saved and refused is the same; a callback that wants to stop because of a step's
  /// numbers stops the run one step later.
  template <class Next, class Compute, class... Callbacks>
  void run(Context<D>& context, Next&& next, Compute&& compute, Callbacks&... callbacks) {
    if (restored_) (call_on_save(callbacks), ...);
    restored_ = false;
    last_line_ = last_save_ = Clock::now();
    const auto tell = [&]([[maybe_unused]] const StepReport& report) { (call_on_step(callbacks, report), ...); };
    using Item = std::decay_t<std::invoke_result_t<Next&, Index>>;
    using Result = std::remove_cvref_t<std::invoke_result_t<Compute&, Context<D>&, M&, Item&>>;
    if constexpr (std::is_same_v<Result, PendingBatch<D>>) {
      GivenSteps<decltype(tell)> given{*this, tell, {}, {}};
      run_steps([&] { return given.give(context, next, compute); }, [&] { given.settle(); }, callbacks...);
    } else {
      const auto make = [&] {
        tell(make_step(context, next, compute));
        return state_.step;
      };
      run_steps(make, [] {}, callbacks...);
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  static double seconds(Clock::duration d) { return std::chrono::duration<double>(d).count(); }

  /// `make()` makes a step, or gives it to the device, and returns its number; `settle()` sees to it that all is made, logged
  /// and told.
  template <class Make, class Settle, class... Callbacks>
  void run_steps(Make make, Settle settle, Callbacks&... callbacks) {
    while (!finished()) {
      try {
        const Index step = make();
        const bool last = step >= options_.steps;
        if (options_.eval_every > 0 && (step % options_.eval_every == 0 || last)) {
          settle();
          (call_on_eval(callbacks), ...);
        }
        const bool stop = (false || ... || asks_to_stop(callbacks));
        if (folder_ && (last || stop || save_is_due(step))) {
          settle();
          const Clock::time_point begin = Clock::now();
          save();
          (call_on_save(callbacks), ...);
          last_save_ = Clock::now();
          last_line_ += last_save_ - begin;
        }
        if (last || stop) settle();
        if (stop) return;
      } catch (const Error& e) {
        throw with_place(e);
      } catch (const std::bad_alloc&) {
        throw with_place(Error{{.kind = ErrorKind::io, .what = "out of memory"}});
      } catch (const std::exception& e) {
        throw with_place(Error{{.kind = ErrorKind::io, .what = e.what()}});
      }
    }
  }

  /// Gradients of the micro-batches of the step after `step`; f(result, k) after each.
  template <class Next, class Compute, class F>
  void add_gradients(Context<D>& context, Index step, Next& next, Compute& compute, F&& f) {
    optimizer_.zero_gradients(context, module_);
    Context<D> inner = context;
    inner.training = true;
    for (Index k = 0; k < options_.accumulate; ++k) {
      const Index i = step * options_.accumulate + k;
      inner.random.step = static_cast<std::uint64_t>(i);
      inner.next_place = 0;
      auto batch = next(i);
      f(compute(inner, module_, batch), k);
    }
  }

  template <class Next, class Compute>
  StepReport make_step(Context<D>& context, Next& next, Compute& compute) {
    StepReport report;
    add_gradients(context, state_.step, next, compute, [&](const BatchResult& result, Index) {
      report.loss += result.loss;
      report.tokens += result.tokens;
    });
    const auto n = static_cast<double>(options_.accumulate);
    report.loss /= n;
    check_finite("loss", report.loss);
    report.grad_norm = optimizer_.gradient_norm(context, module_) / n;
    check_finite("gradient norm", report.grad_norm);
    report.learning_rate = schedule_.rate(state_.step);
    optimizer_.step(context, module_, report.learning_rate, clip_coefficient(report.grad_norm, options_.max_norm) / n);
    count(report);
    return report;
  }

  /// Counts and logs a step that was made.
  void count(StepReport& report) {
    report.step = ++state_.step;
    state_.batches += options_.accumulate;
    state_.tokens += report.tokens;
    state_.last_loss = report.loss;
    const Clock::time_point now = Clock::now();
    report.tokens_per_second = static_cast<double>(report.tokens) / seconds(now - last_line_);
    last_line_ = now;
    if (folder_) log_.append(report);
  }

  /// Steps that the device was given and whose numbers nobody has looked at: one, and a second one for a moment.
  template <class Tell>
  struct GivenSteps {
    Trainer& trainer;
    const Tell& tell;
    StepFigures<D> figures;
    std::deque<StepReport> steps;

    template <class Next, class Compute>
    Index give(Context<D>& context, Next& next, Compute& compute) {
      AdamW<T, D>& optimizer = trainer.optimizer_;
      const TrainOptions& options = trainer.options_;
      const Index step = trainer.state_.step + std::ssize(steps);
      StepReport report;
      try {
        trainer.add_gradients(context, step, next, compute, [&](const PendingBatch<D>& result, Index k) {
          report.tokens += result.tokens;
          figures.add(context, result, k, options.accumulate);
        });
        report.learning_rate = trainer.schedule_.rate(step);
        optimizer.prepare(trainer.module_, report.learning_rate, 1 / static_cast<double>(options.accumulate),
                          options.max_norm);
        optimizer.apply(context, figures.guard());
        figures.send(context, optimizer.norm());
      } catch (...) {
        optimizer.set_steps(step);
        settle();
        throw;
      }
      steps.push_back(report);
      settle(1);
      return step + 1;
    }
    /// Waits until at most `left` are left.
    void settle(std::size_t left = 0) {
      for (; steps.size() > left; steps.pop_front()) {
        StepReport& report = steps.front();
        std::tie(report.loss, report.grad_norm) = figures.read();
        // The device has refused this step and those behind it.
        if (!std::isfinite(report.loss) || !std::isfinite(report.grad_norm)) trainer.optimizer_.set_steps(trainer.state_.step);
        trainer.check_finite("loss", report.loss);
        trainer.check_finite("gradient norm", report.grad_norm);
        trainer.count(report);
        tell(report);
      }
    }
  };

  void check_finite(const char* what, double value) const {
    if (!std::isfinite(value))
      throw Error{{.kind = ErrorKind::numeric,
                   .what = std::string(what) + " of step " + std::to_string(state_.step + 1) + " is not finite",
                   .found = std::isnan(value) ? "NaN" : "infinity"}};
  }

  bool save_is_due(Index step) const {
    if (options_.save_every > 0) return step % options_.save_every == 0;
    return seconds(Clock::now() - last_save_) >= options_.save_seconds;
  }

  void save() {
    log_.sync();
    save_training_state(*folder_, module_, optimizer_, state_);
    saved_step_ = state_.step;
  }

  Error with_place(const Error& e) const {
    Error::Fields fields = e.fields();
    char loss[48];
    std::snprintf(loss, sizeof loss, "%.6g", state_.last_loss);
    std::string text = "training stopped after step " + std::to_string(state_.step) + " (last finite loss: ";
    text += state_.step > 0 ? std::string(loss) : "none";
    text += "; last saved state: ";
    text += saved_step_
                ? "step " + std::to_string(*saved_step_) + " in " + folder_->state().string() + ", resume from there"
                : "none";
    fields.what = text + "): " + fields.what;
    // What was good input at the start and no longer is has changed under the run: a failure, not bad usage.
    for (const ErrorKind users : {ErrorKind::input, ErrorKind::usage, ErrorKind::shape})
      if (fields.kind == users) fields.kind = ErrorKind::io;
    return Error(std::move(fields));
  }

  template <class C>
  void call_on_step(C& c, const StepReport& report) {
    if constexpr (requires { c.on_step(report); }) c.on_step(report);
  }
  template <class C>
  void call_on_eval(C& c) {
    if constexpr (requires { c.on_eval(Index{}); }) c.on_eval(state_.step);
  }
  template <class C>
  void call_on_save(C& c) {
    if constexpr (requires { c.on_save(Index{}); }) c.on_save(state_.step);
  }
  template <class C>
  static bool asks_to_stop(C& c) {
    if constexpr (requires { c.should_stop(); })
      return c.should_stop();
    else
      return false;
  }

  M& module_;
  AdamW<T, D>& optimizer_;
  Schedule schedule_;
  TrainOptions options_;
  TrainState state_;
  std::optional<RunFolder> folder_;
  TrainingLog log_;
  std::optional<Index> saved_step_;
  bool restored_ = false;
  Clock::time_point last_line_{};
  Clock::time_point last_save_{};
};

}  // namespace ligase::inline LIGASE_ISA
