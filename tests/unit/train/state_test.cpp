#include <doctest/doctest.h>

#include <unit/io/temporary_folder.hpp>
#include <unit/train/file_limit.hpp>
#include <unit/train/toy.hpp>

#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <csignal>
#include <fstream>
#include <set>
#include <string>

using namespace ligase;
using ligase_test::TemporaryFolder;
using ligase_test::Toy;

namespace {

struct Run {
  Toy<float> toy;
  AdamW<float> optimizer;
  TrainState state;

  explicit Run(std::uint64_t seed = 3) : toy(seed) {
    allocate_gradients(toy);
    optimizer.reset(toy);
  }
  void make_step() {
    Context<> context{.threads = 1};
    context.random = {9, static_cast<std::uint64_t>(state.step), 0};
    zero_gradients(toy);
    state.last_loss = toy_step(context, toy, ligase_test::toy_batch(state.step)).loss;
    optimizer.step(context, toy, 0.01);
    ++state.step;
    ++state.batches;
  }
  std::string bytes() {
    std::string all = toy.bytes();
    for (auto& [name, m] : optimizer.moments())
      for (auto* t : {&m.first, &m.second})
        all.append(reinterpret_cast<const char*>(t->data()), static_cast<std::size_t>(t->count()) * sizeof(float));
    return all;
  }
  void save(const RunFolder& folder) { save_training_state(folder, toy, optimizer, state); }
  void load(const RunFolder& folder) { state = load_training_state(folder, toy, optimizer); }
};

std::string message_of(auto&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("a state restores every bit") {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary.path()};
  Run a;
  for (int i = 0; i < 5; ++i) a.make_step();
  a.toy.w.value.data()[0] = -0.0f;
  a.toy.w.value.data()[1] = 1e-42f;
  a.state.tokens = 123;
  a.state.flags = {{"learning-rate", 0.1}, {"model", "toy"}};
  a.state.extra = {{"best", 1.0 / 3}};
  CHECK(!has_training_state(folder));
  a.save(folder);
  CHECK(has_training_state(folder));
  CHECK(temporary.entries() == 1);

  Run b(77);
  CHECK(b.bytes() != a.bytes());
  b.load(folder);
  CHECK(b.bytes() == a.bytes());
  CHECK(b.optimizer.steps() == 5);
  CHECK(b.state.step == 5);
  CHECK(b.state.batches == 5);
  CHECK(b.state.tokens == 123);
  CHECK(b.state.last_loss == a.state.last_loss);
  CHECK(b.state.flags == a.state.flags);
  CHECK(b.state.extra.at("best") == 1.0 / 3);
  for (Run* r : {&a, &b}) r->make_step();
  CHECK(b.bytes() == a.bytes());
}

TEST_CASE("a state that does not fit is refused with all reasons, and nothing changes") {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary.path()};
  Run a;
  a.save(folder);

  Run b(8);
  b.toy.w.value = Tensor<float>::zeros({3, 5});
  b.optimizer.moments().erase("v");
  b.optimizer.moments()["u"] = {Tensor<float>::zeros({1}), Tensor<float>::zeros({1})};
  const std::string before = b.bytes(), message = message_of([&] { b.load(folder); });
  CHECK(message.starts_with(folder.state().string() + ": the saved state does not fit the model; found "));
  for (const char* part : {"model.w is F32 [7, 5] instead of F32 [3, 5]", "first_moment.u missing",
                           "second_moment.u missing", "first_moment.v unknown", "second_moment.v unknown"})
    CHECK(message.find(part) != std::string::npos);
  CHECK(message.find("model.v") == std::string::npos);
  CHECK(b.bytes() == before);

  Toy<double> wide;
  AdamW<double> optimizer;
  CHECK(message_of([&] {
          load_training_state(folder, wide, optimizer);
        }).find("model.c is F32 [1] instead of F64 [1]") != std::string::npos);

  const auto write_metadata = [&](const char* text) {
    write_safetensors(folder.state(), {}, TensorOrder::sorted, {{"ligase.training_state", text}});
    return message_of([&] { b.load(folder); });
  };
  CHECK(write_metadata("{").find("not valid JSON") != std::string::npos);
  CHECK(write_metadata("{}").find("\"step\" is missing") != std::string::npos);
  CHECK(write_metadata(R"({"step":-1})").find("negative \"step\"") != std::string::npos);
  CHECK(write_metadata(R"({"step":1,"batches":1,"tokens":1,"flags":[],"extra":{}})").find("\"flags\": wrong type") !=
        std::string::npos);
  write_safetensors(folder.state(), {});
  CHECK(message_of([&] { b.load(folder); }).find("no training state") != std::string::npos);
  a.save(folder);
  std::filesystem::resize_file(folder.state(), std::filesystem::file_size(folder.state()) - 1);
  CHECK_THROWS_AS(b.load(folder), Error);
  CHECK(b.bytes() == before);
}

TEST_CASE("other flags than the saved ones are named") {
  const Json saved = {{"learning-rate", 0.008}, {"threads", 2}, {"steps", 100}, {"model", "toy"}};
  Json given = saved;
  given["threads"] = 1;
  given["device"] = "cuda";
  given["quiet"] = true;
  given["resume"] = true;
  CHECK_NOTHROW(check_same_flags(saved, given, "state"));
  given["learning-rate"] = 0.01;
  given.erase("steps");
  given["seed"] = 5;
  CHECK(message_of([&] { check_same_flags(saved, given, "state"); }) ==
        "state: flags differ from those of the saved run; expected the same flags, or a new folder, found "
        "--learning-rate (saved "
        "0.008, given 0.01), --seed (saved absent, given 5), --steps (saved 100, given absent)");
  try {
    check_same_flags(saved, given, "state");
  } catch (const Error& e) {
    CHECK(e.kind() == ErrorKind::usage);
  }
}

TEST_CASE("a disk that runs full at any byte of a save leaves the old state") {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary.path()};
  Run a;
  a.make_step();
  a.save(folder);
  const std::string old_file = read_file(folder.state());
  a.make_step();
  for (std::size_t share = 0; share < 10; ++share) {
    std::string message;
    {
      const ligase_test::FileLimit limit(static_cast<rlim_t>(old_file.size() * share / 10));
      message = message_of([&] { a.save(folder); });
    }
    CHECK(message == folder.state().string() + ": cannot write the file; found File too large");
    CHECK(read_file(folder.state()) == old_file);
    CHECK(temporary.entries() == 1);
  }
  a.save(folder);
  CHECK(read_file(folder.state()) != old_file);
}

// A child saves without pause and is killed at a moment that the test does not choose: what is left must be one of the
// states that an uninterrupted run passes through, whole.
TEST_CASE("a process killed while it saves leaves a complete state") {
  std::vector<std::string> expected;
  for (Run run; expected.size() < 2000; run.make_step()) expected.push_back(run.bytes());
  std::set<Index> steps;
  for (int round = 0; round < 12; ++round) {
    const TemporaryFolder temporary;
    const RunFolder folder{temporary.path()};
    Run run;
    run.make_step();
    run.save(folder);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      try {
        while (run.state.step < 1999) {
          run.make_step();
          run.save(folder);
        }
      } catch (...) {
      }
      ::_exit(0);
    }
    ::usleep(static_cast<useconds_t>(1500 + 1370 * round));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    Run loaded(99);
    loaded.load(folder);
    CHECK(loaded.bytes() == expected.at(static_cast<std::size_t>(loaded.state.step)));
    CHECK(loaded.optimizer.steps() == loaded.state.step);
    steps.insert(loaded.state.step);
    folder.clear_temporaries();
    CHECK(temporary.entries() == 1);
  }
  CHECK(steps.size() > 1);
}

TEST_CASE("an incomplete save is no state, and is swept away") {
  const TemporaryFolder temporary;
  const RunFolder folder{temporary / "run"};
  folder.create();
  std::filesystem::create_directory(folder.checkpoint());
  write_file(folder.checkpoint() / "config.json", "{}");
  for (const auto& left :
       {folder.root / ".training_state.safetensors.123-0.tmp", folder.checkpoint() / ".model.safetensors.123-1.tmp"})
    std::ofstream(left) << "half";
  CHECK(!has_training_state(folder));
  folder.clear_temporaries();
  CHECK(!std::filesystem::exists(folder.root / ".training_state.safetensors.123-0.tmp"));
  CHECK(!std::filesystem::exists(folder.checkpoint() / ".model.safetensors.123-1.tmp"));
  CHECK(std::filesystem::exists(folder.checkpoint() / "config.json"));

  Run a;
  a.save(folder);
  write_file(folder.log(), "x");
  write_file(folder.root / "intervals.bed", "x");
  folder.clear();
  CHECK(!has_training_state(folder));
  CHECK(!std::filesystem::exists(folder.log()));
  CHECK(!std::filesystem::exists(folder.checkpoint()));
  CHECK(std::filesystem::exists(folder.root / "intervals.bed"));

  write_file(temporary / "file", "");
  CHECK_THROWS_WITH_AS(RunFolder{temporary / "file"}.create(), doctest::Contains("cannot make the folder"), Error);
}
