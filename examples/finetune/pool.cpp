#include <finetune/pool.hpp>

#include <common/progress.hpp>

#include <ligase/core/error.hpp>
#include <ligase/io/file.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <utility>

namespace ligase_cli {
namespace {

using ligase::Index;

/// Runs that are still to be made, and where they are recorded; used by several threads.
class Pool {
 public:
  Pool(const FinetunePlan& plan, std::vector<std::size_t> waiting, const PoolOptions& options)
      : plan_(plan),
        waiting_(std::move(waiting)),
        options_(options),
        progress_("fine-tune", "epochs", epochs(), options.quiet) {}

  /// Makes runs until none is left, here or on another thread. What cannot be recorded stops all of them.
  void work() noexcept {
    try {
      while (const std::optional<std::size_t> run = next()) make(*run);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!stopped_by_) stopped_by_ = std::current_exception();
      waiting_.clear();
    }
  }

  std::vector<RunRecord> take(std::vector<std::string>& failures) {
    try {
      if (stopped_by_) std::rethrow_exception(stopped_by_);
    } catch (const ligase::Error& e) {
      ligase::Error::Fields fields = e.fields();
      fields.kind = ligase::ErrorKind::io;  // no fault of the input that was checked before
      fields.what += " (once that is mended, the same command makes the runs that are left)";
      throw ligase::Error(std::move(fields));
    }
    progress_.finish();
    failures = std::move(failures_);
    return std::move(records_);
  }

 private:
  Index epochs() const {
    Index sum = 0;
    for (const std::size_t run : waiting_) sum += plan_.settings[run].epochs;
    return sum;
  }

  void make(std::size_t run) {
    RunOutcome outcome;
    Index told = 0;
    const RunJob job{.identity = plan_.runs[run],
                     .settings = plan_.settings[run],
                     .task = &plan_.tasks.at(plan_.runs[run].task),
                     .threads = std::max(1, options_.threads / options_.jobs),
                     .device = options_.device,
                     .on_epoch = [&](Index epoch, double value) {
                       told = epoch;
                       tell(job_note(run, epoch, value));
                     }};
    std::string failure;
    try {
      outcome = run_job(job);
    } catch (const std::bad_alloc&) {
      failure = "out of memory";
    } catch (const std::exception& e) {
      failure = e.what();
    }
    if (!failure.empty()) {
      outcome.record = {};
      outcome.record.run = job.identity;
      outcome.record.status = "failed";
      outcome.record.epochs = told;
    }
    finish(run, outcome, failure, plan_.settings[run].epochs - told);
  }

  std::optional<std::size_t> next() {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) return std::nullopt;
    const std::size_t run = waiting_.front();
    waiting_.erase(waiting_.begin());
    return run;
  }

  std::string job_note(std::size_t run, Index epoch, double value) const {
    const RunIdentity& r = plan_.runs[run];
    char text[96];
    std::snprintf(text, sizeof text, " seed %llu, epoch %lld: %s %.3f", static_cast<unsigned long long>(r.seed),
                  static_cast<long long>(epoch), plan_.settings[run].select.c_str(), value);
    return r.task + " " + r.model + text;
  }

  void tell(const std::string& note) {
    const std::lock_guard lock(mutex_);
    progress_.update(++done_, note);
  }

  void finish(std::size_t run, const RunOutcome& outcome, const std::string& failure, Index epochs_left) {
    const std::lock_guard lock(mutex_);
    done_ += epochs_left;
    const RunIdentity& r = plan_.runs[run];
    if (!failure.empty())
      failures_.push_back(r.task + ", " + r.model + ", seed " + std::to_string(r.seed) + ": " + failure);
    if (!outcome.details.empty()) ligase::write_file(options_.out / "runs" / (run_key(r) + ".json"), outcome.details);
    append_run(options_.out / "runs.csv", outcome.record);
    records_.push_back(outcome.record);
  }

  const FinetunePlan& plan_;
  std::vector<std::size_t> waiting_;
  const PoolOptions& options_;
  std::mutex mutex_;
  Progress progress_;
  Index done_ = 0;
  std::vector<RunRecord> records_;
  std::vector<std::string> failures_;
  std::exception_ptr stopped_by_;
};

}  // namespace

std::vector<RunRecord> run_pool(const FinetunePlan& plan, const std::vector<RunRecord>& done,
                                const PoolOptions& options, std::vector<std::string>& failures) {
  std::vector<SweepRun> grid;
  for (const RunIdentity& run : plan.runs) grid.push_back({run, {}});
  const std::vector<SweepRun> pending = pending_runs(grid, done);
  std::vector<std::size_t> waiting;
  for (std::size_t i = 0, k = 0; i < plan.runs.size() && k < pending.size(); ++i)
    if (plan.runs[i] == pending[k].run) waiting.push_back(i), ++k;
  if (waiting.empty()) return {};

  std::filesystem::create_directories(options.out / "runs");
  PoolOptions used = options;
  used.jobs = static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(options.jobs), waiting.size()));
  Pool pool(plan, std::move(waiting), used);
  {
    std::vector<std::jthread> threads;
    try {
      for (int i = 1; i < used.jobs; ++i) threads.emplace_back([&] { pool.work(); });
    } catch (const std::exception&) {
      // The system gives no more threads or memory: the ones that are there make all runs.
    }
    pool.work();
  }
  return pool.take(failures);
}

std::vector<RunRecord> records_of(const FinetunePlan& plan, const std::vector<RunRecord>& records) {
  std::map<std::string, const RunRecord*> last;
  for (const RunRecord& record : records) last[run_key(record.run)] = &record;
  std::vector<RunRecord> found;
  for (const RunIdentity& run : plan.runs)
    if (const auto one = last.find(run_key(run)); one != last.end()) found.push_back(*one->second);
  return found;
}

}  // namespace ligase_cli
