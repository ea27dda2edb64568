#include <doctest/doctest.h>

#include <unit/io/temporary_folder.hpp>
#include <unit/train/file_limit.hpp>
#include <unit/train/toy.hpp>

#include <ligase/train/schedule.hpp>

#include <sys/wait.h>
#include <unistd.h>
#include <chrono>
#include <csignal>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace ligase;
using ligase_test::TemporaryFolder;
using ligase_test::Toy;
using ligase_test::ToyBatch;

namespace {

/// Everything that a program holds.
struct Session {
  Toy<float> toy;
  AdamW<float> optimizer;
  TrainOptions options;
  Context<> context{.threads = 1};
  Trainer<Toy<float>, float, cpu, CosineSchedule> trainer;

  explicit Session(TrainOptions o) : options(o), trainer(toy, optimizer, pretraining_schedule(0.02, o.steps), o) {
    context.random.seed = 5;
  }
  template <class... Callbacks>
  void run(Callbacks&... callbacks) {
    trainer.run(context, ligase_test::toy_batch, ligase_test::toy_step<float>, callbacks...);
  }
};

struct StopAfter {
  Index steps;
  Index seen = 0;
  bool should_stop() { return ++seen >= steps; }
};
struct Record {
  std::vector<std::string> events;
  void on_step(const StepReport& r) { events.push_back("step " + std::to_string(r.step)); }
  void on_eval(Index step) { events.push_back("eval " + std::to_string(step)); }
  void on_save(Index step) { events.push_back("save " + std::to_string(step)); }
};

const Json flags = {{"model", "toy"}, {"threads", 1}};

/// Lines of a log without the one field that depends on the clock.
std::string timeless(const std::filesystem::path& path) {
  std::string text;
  for (StepReport r : read_training_log(path)) {
    CHECK(r.tokens_per_second > 0);
    r.tokens_per_second = 0;
    text += to_json_line(r) + "\n";
  }
  return text;
}

Error error_of(auto&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e;
  }
  return Error{{.what = "no error"}};
}

}  // namespace

TEST_CASE("training lowers the loss, and a step is what it says") {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  Session s({.steps = 300});
  s.trainer.start(folder, flags);
  s.run();
  CHECK(s.trainer.finished());
  const auto log = read_training_log(folder.log());
  REQUIRE(log.size() == 300);
  double first = 0, last = 0;
  for (std::size_t i = 0; i < 50; ++i) first += log[i].loss, last += log[250 + i].loss;
  CHECK(last < 0.5 * first);
  const CosineSchedule schedule = pretraining_schedule(0.02, 300);
  for (std::size_t i = 0; i < log.size(); ++i) {
    CHECK(log[i].step == static_cast<Index>(i) + 1);
    CHECK(log[i].tokens == 28);
    CHECK(log[i].learning_rate == schedule.rate(static_cast<Index>(i)));
  }
  CHECK(s.trainer.state().tokens == 300 * 28);
}

// The same steps written down without the trainer, in double: mean of micro-batch gradients, clip, schedule, update.
TEST_CASE("accumulated micro-batches, clipping and schedule against a plain loop") {
  constexpr Index accumulate = 3, steps = 6;
  const TemporaryFolder temporary;
  Toy<double> a;
  AdamW<double> optimizer;
  Trainer trainer(a, optimizer, pretraining_schedule(0.02, steps),
                  {.steps = steps, .accumulate = accumulate, .max_norm = 0.3});
  const RunFolder folder{temporary / "run"};
  trainer.start(folder, flags);
  Context<> context;
  context.random.seed = 5;
  trainer.run(context, ligase_test::toy_batch, ligase_test::toy_step<double>);
  const auto log = read_training_log(folder.log());
  REQUIRE(log.size() == steps);

  Toy<double> b;
  AdamW<double> plain;
  Context<> own;
  own.random.seed = 5;
  bool clipped = false;
  for (Index t = 0; t < steps; ++t) {
    allocate_gradients(b);
    double loss = 0, squares = 0;
    for (Index k = 0; k < accumulate; ++k) {
      own.random.step = static_cast<std::uint64_t>(t * accumulate + k);
      own.next_place = 0;
      loss += toy_step(own, b, {t * accumulate + k}).loss / accumulate;
    }
    visit_parameters(b, [&](const std::string&, auto& p) {
      for (double& g : p.gradient.span()) g /= accumulate, squares += g * g;
    });
    const double norm = std::sqrt(squares), scale = norm + 1e-6 > 0.3 ? 0.3 / (norm + 1e-6) : 1;
    clipped = clipped || scale < 1;
    visit_parameters(b, [&](const std::string&, auto& p) {
      for (double& g : p.gradient.span()) g *= scale;
    });
    plain.step(own, b, pretraining_schedule(0.02, steps).rate(t));
    CHECK(log[static_cast<std::size_t>(t)].loss == doctest::Approx(loss).epsilon(1e-13));
    CHECK(log[static_cast<std::size_t>(t)].grad_norm == doctest::Approx(norm).epsilon(1e-13));
    CHECK(log[static_cast<std::size_t>(t)].tokens == 3 * 28);
  }
  CHECK(clipped);
  for (Index i = 0; i < a.w.value.count(); ++i)
    CHECK(a.w.value.data()[i] == doctest::Approx(b.w.value.data()[i]).epsilon(1e-12));
}

TEST_CASE("a run that stops and resumes ends with the bits of one that does not") {
  for (Index accumulate : {1, 3}) {
    const TemporaryFolder temporary;
    const TrainOptions options{.steps = 9, .accumulate = accumulate, .save_every = 2};
    Session whole(options);
    const RunFolder reference{temporary / "whole"};
    whole.trainer.start(reference, flags);
    whole.run();

    const RunFolder folder{temporary / "parts"};
    Index parts = 0;
    for (bool done = false; !done; ++parts) {
      Session s(options);
      CHECK(s.trainer.resume(folder, flags) == (parts > 0));
      CHECK(s.trainer.step() == parts);
      StopAfter stop{1};
      s.run(stop);
      done = s.trainer.finished();
    }
    CHECK(parts == 9);
    CHECK(read_file(folder.state()) == read_file(reference.state()));
    CHECK(timeless(folder.log()) == timeless(reference.log()));

    Session after(options);
    CHECK(after.trainer.resume(folder, flags));
    Record record;
    after.run(record);
    CHECK(record.events == std::vector<std::string>{"save 9"});
    CHECK(after.toy.bytes() == whole.toy.bytes());
    CHECK(timeless(folder.log()) == timeless(reference.log()));
  }
}

// Steps after the last saved state are made again, and their lines do not stand twice.
TEST_CASE("killed processes resume to the bits of an uninterrupted run") {
  const TemporaryFolder temporary;
  const TrainOptions options{.steps = 120, .save_every = 3};
  Session whole(options);
  const RunFolder reference{temporary / "whole"};
  whole.trainer.start(reference, flags);
  whole.run();

  const RunFolder folder{temporary / "killed"};
  int kills = 0;
  for (bool done = false; !done;) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      try {
        Session s(options);
        s.trainer.resume(folder, flags);
        s.run();
      } catch (...) {
        ::_exit(3);
      }
      ::_exit(0);
    }
    ::usleep(static_cast<useconds_t>(4000 + 1700 * kills));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status)) {
      REQUIRE(WEXITSTATUS(status) == 0);
      done = true;
    } else {
      ++kills;
    }
  }
  CHECK(kills > 0);
  CHECK(read_file(folder.state()) == read_file(reference.state()));
  CHECK(timeless(folder.log()) == timeless(reference.log()));
  CHECK(std::distance(std::filesystem::directory_iterator(folder.root), {}) == 2);
}

TEST_CASE("callbacks come in order: step, eval, save") {
  const TemporaryFolder temporary;
  Session s({.steps = 5, .save_every = 2, .eval_every = 2});
  s.trainer.start({temporary / "run"}, flags);
  Record record;
  s.run(record);
  CHECK(record.events == std::vector<std::string>{"step 1", "step 2", "eval 2", "save 2", "step 3", "step 4", "eval 4",
                                                  "save 4", "step 5", "eval 5", "save 5"});
}

TEST_CASE("states are saved by wall time unless steps are given") {
  const TemporaryFolder temporary;
  Record never, always;
  Session a({.steps = 3, .save_seconds = 3600});
  a.trainer.start({temporary / "a"}, flags);
  a.run(never);
  CHECK(never.events == std::vector<std::string>{"step 1", "step 2", "step 3", "save 3"});
  Session b({.steps = 2, .save_seconds = 0});
  b.trainer.start({temporary / "b"}, flags);
  b.run(always);
  CHECK(always.events == std::vector<std::string>{"step 1", "save 1", "step 2", "save 2"});
}

TEST_CASE("the clock of a line covers loading, not saving") {
  struct SlowSave {
    void on_save(Index) { std::this_thread::sleep_for(std::chrono::milliseconds(300)); }
  } slow;
  const TemporaryFolder temporary;
  Session s({.steps = 3, .save_every = 1});
  s.trainer.start({temporary / "run"}, flags);
  const auto slow_next = [](Index i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return ToyBatch{i};
  };
  s.trainer.run(s.context, slow_next, ligase_test::toy_step<float>, slow);
  for (const StepReport& r : read_training_log(temporary / "run" / "log.jsonl")) {
    const double seconds = static_cast<double>(r.tokens) / r.tokens_per_second;
    CHECK(seconds >= 0.02);
    CHECK(seconds < 0.3);
  }
}

TEST_CASE("a loss or gradient that is not finite stops before the weights change, and says where to go on") {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  const TrainOptions options{.steps = 10, .accumulate = 2, .save_every = 2};
  for (double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    Session s(options);
    s.trainer.start(folder, flags);
    std::string before;
    const auto poisoned = [&](Context<>& context, Toy<float>& toy, const ToyBatch& batch) {
      BatchResult r = toy_step(context, toy, batch);
      if (batch.number == 11) r.loss = bad, before = toy.bytes();
      return r;
    };
    const Error e = error_of([&] { s.trainer.run(s.context, ligase_test::toy_batch, poisoned); });
    CHECK(e.kind() == ErrorKind::numeric);
    const std::string text = e.what();
    CAPTURE(text);
    CHECK(text.starts_with("training stopped after step 5 (last finite loss: "));
    CHECK(text.find("; last saved state: step 4 in " + folder.state().string() +
                    ", resume from there): loss of step 6 is not "
                    "finite; found " +
                    (std::isnan(bad) ? "NaN" : "infinity")) != std::string::npos);
    char loss[32];
    std::snprintf(loss, sizeof loss, "%.6g", s.trainer.state().last_loss);
    CHECK(text.find(std::string("last finite loss: ") + loss + ";") != std::string::npos);
    CHECK(s.toy.bytes() == before);
    CHECK(read_training_state(folder).step == 4);
    CHECK(read_training_log(folder.log()).size() == 5);
  }

  Session s(options);
  const auto poisoned = [](Context<>& context, Toy<float>& toy, const ToyBatch& batch) {
    const BatchResult r = toy_step(context, toy, batch);
    toy.v.gradient.data()[2] = std::nanf("");
    return r;
  };
  const Error e = error_of([&] { s.trainer.run(s.context, ligase_test::toy_batch, poisoned); });
  CHECK(e.kind() == ErrorKind::numeric);
  CHECK(std::string(e.what()) ==
        "training stopped after step 0 (last finite loss: none; last saved state: none): gradient norm "
        "of step 1 is not finite; found NaN");
}

TEST_CASE("whatever fails during a run is a failure that says where to go on") {
  for (int which = 0; which < 3; ++which) {
    Session s({.steps = 4});
    const auto failing = [&](Context<>& context, Toy<float>& toy, const ToyBatch& batch) {
      if (batch.number == 2 && which == 0) throw Error{{.kind = ErrorKind::shape, .what = "odd"}};
      if (batch.number == 2 && which == 1) throw std::bad_alloc();
      if (batch.number == 2) throw std::runtime_error("odd");
      return toy_step(context, toy, batch);
    };
    const Error e = error_of([&] { s.trainer.run(s.context, ligase_test::toy_batch, failing); });
    CHECK(e.kind() == ErrorKind::io);
    CHECK(std::string(e.what()).starts_with("training stopped after step 2 (last finite loss: "));
    CHECK(std::string(e.what()).ends_with(which == 1 ? "): out of memory" : "): odd"));
  }
}

TEST_CASE("a full disk stops training and keeps the old state; resuming ends with the same bits") {
  const TemporaryFolder temporary;
  const TrainOptions options{.steps = 8, .save_every = 2};
  Session whole(options);
  const RunFolder reference{temporary / "whole"};
  whole.trainer.start(reference, flags);
  whole.run();

  struct FillDisk {
    std::optional<ligase_test::FileLimit> limit;
    void on_step(const StepReport& r) {
      if (r.step == 6) limit.emplace(1000);
    }
  } fill;
  const RunFolder folder{temporary / "run"};
  Session s(options);
  s.trainer.start(folder, flags);
  const Error e = error_of([&] { s.run(fill); });
  fill.limit.reset();
  CHECK(e.kind() == ErrorKind::io);
  const std::string text = e.what();
  CAPTURE(text);
  CHECK(text.find("training stopped after step 6 (last finite loss: ") != std::string::npos);
  CHECK(text.find("last saved state: step 4 in ") != std::string::npos);
  CHECK(text.find("File too large") != std::string::npos);
  CHECK(read_training_state(folder).step == 4);

  Session again(options);
  CHECK(again.trainer.resume(folder, flags));
  again.run();
  CHECK(read_file(folder.state()) == read_file(reference.state()));
  CHECK(timeless(folder.log()) == timeless(reference.log()));
}

TEST_CASE("resume refuses other flags; start forgets the run before") {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  const TrainOptions options{.steps = 4, .accumulate = 2, .save_every = 1};
  Session a(options);
  a.trainer.start(folder, flags);
  a.trainer.extra()["best"] = 0.5;
  StopAfter stop{2};
  a.run(stop);

  Session b(options);
  Json other = flags;
  other["model"] = "caduceus-ps";
  other["threads"] = 2;
  const std::string before = b.toy.bytes();
  const Error e = error_of([&] { b.trainer.resume(folder, other); });
  CHECK(e.kind() == ErrorKind::usage);
  CHECK(e.fields().found == "--model (saved \"toy\", given \"caduceus-ps\")");
  CHECK(b.toy.bytes() == before);

  Session c({.steps = 4, .accumulate = 3});
  CHECK(error_of([&] { c.trainer.resume(folder, flags); }).kind() == ErrorKind::usage);

  Session few({.steps = 1, .accumulate = 2});
  CHECK(std::string(error_of([&] { few.trainer.resume(folder, flags); }).what()) ==
        folder.state().string() +
            ": the saved run has made more steps than it was to make; expected 1 at the most, found 2");

  Json threads = flags;
  threads["threads"] = 7;
  Session d(options);
  CHECK(d.trainer.resume(folder, threads));
  CHECK(d.trainer.step() == 2);
  CHECK(d.trainer.extra().at("best") == 0.5);

  Session f(options);
  f.trainer.start(folder, flags);
  CHECK(!has_training_state(folder));
  CHECK(read_file(folder.log()).empty());
  CHECK_THROWS_WITH_AS(Session({.steps = 1, .accumulate = 0}), doctest::Contains("micro-batches per step"), Error);
}

TEST_CASE("parameters without a gradient stay frozen when others have one") {
  Toy<float> toy;
  toy.v.gradient = Tensor<float>::zeros(toy.v.value.shape());
  AdamW<float> optimizer;
  const std::string w(reinterpret_cast<const char*>(toy.w.value.data()), 35 * sizeof(float));
  const float v = toy.v.value.data()[0], c = toy.c.value.data()[0];
  Trainer trainer(toy, optimizer, ConstantSchedule{0.01}, {.steps = 3});
  Context<> context;
  trainer.run(context, ligase_test::toy_batch, ligase_test::toy_step<float>);
  CHECK(w == std::string(reinterpret_cast<const char*>(toy.w.value.data()), 35 * sizeof(float)));
  CHECK(c == toy.c.value.data()[0]);
  CHECK(v != toy.v.value.data()[0]);
}
