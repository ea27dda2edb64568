#include <doctest/doctest.h>
#include <finetune/memory.hpp>
#include <support/errors.hpp>

#include <string>

namespace {

using ligase_cli::RunSettings;

RunSettings sizes(ligase::Index max_length, ligase::Index d_model, ligase::Index n_layer) {
  RunSettings s;
  s.max_length = max_length;
  s.batch_size = 128;
  s.d_model = d_model;
  s.n_layer = n_layer;
  return s;
}

/// The message for a plan with one run of a task of 100 rows.
std::string refused(const std::string& model, const RunSettings& settings) {
  ligase_cli::FinetunePlan plan;
  plan.tasks["toy"].train.rows.resize(100);
  plan.runs.resize(1);
  plan.runs[0].task = "toy";
  plan.runs[0].model = model;
  plan.settings = {settings};
  try {
    ligase_cli::check_memory(plan);
  } catch (const ligase::Error& e) {
    CHECK(e.kind() == ligase::ErrorKind::usage);
    return e.what();
  }
  return "no error";
}

TEST_CASE("memory: what no machine holds is refused before a run begins") {
  const std::string sentence = "d_model, n_layer, max_length, batch_size: a run of ";
  CHECK(refused("mamba", sizes(60, 65536, 4096)).starts_with(sentence + "mamba on toy would need "));
  CHECK(refused("caduceus-ph", sizes(1 << 24, 118, 64)).starts_with(sentence));
  CHECK(refused("cnn", sizes(ligase::Index{1} << 40, 0, 0)).starts_with(sentence));
  CHECK(refused("caduceus-ps", sizes(1000, 118, 4)) == "no error");
  CHECK(refused("cnn", sizes(1000, 0, 0)) == "no error");
}

TEST_CASE("memory: a frozen backbone has no gradients, and a batch is no larger than the task") {
  ligase::Task task;
  task.train.rows.resize(10);
  RunSettings s = sizes(100, 8, 2);
  const double whole = ligase_cli::least_memory("mamba", s, task);
  s.batch_size = 10;
  CHECK(ligase_cli::least_memory("mamba", s, task) == whole);
  s.frozen = true;
  CHECK(ligase_cli::least_memory("mamba", s, task) < whole);
}

}  // namespace
