#include <finetune/settings.hpp>

#include <ligase/core/error.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace ligase_cli;
using ligase::Error;
using ligase::LabelledSequence;
using ligase::Task;
using ligase::TaskSplit;

namespace {

/// A task of `rows` training rows of one length.
Task task_of(const std::string& name, Index rows, Index length, Index classes, bool with_dev = false) {
  Task task;
  task.name = name;
  for (Index k = 0; k < classes; ++k) task.classes.push_back(std::to_string(k));
  const std::string letters(static_cast<std::size_t>(length), 'A');
  for (Index i = 0; i < rows; ++i) task.train.rows.push_back({letters, i % classes});
  task.test.rows.assign(7, LabelledSequence{letters + letters, 0});
  if (with_dev) task.dev = TaskSplit{task.test.rows};
  return task;
}

void check(const TaskRules& found, const TaskRules& expected) {
  CHECK(found.max_length == expected.max_length);
  CHECK(found.classes == expected.classes);
  CHECK(found.schedule_samples == expected.schedule_samples);
  CHECK(found.metric == expected.metric);
  CHECK(found.validate_on_dev == expected.validate_on_dev);
}

std::string refusal(const Task& task, const std::string& model, const std::string& hyperparameters,
                    const std::string& precision = "fp32") {
  try {
    settings_of(Suite::gue, {{task.name, model, "char", "strict", 1, hyperparameters}, {}}, task, precision);
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("protocol original repeats the configuration files, strict looks at the data") {
  check(rules_of(Suite::gue, "original", task_of("prom/prom_core_tata", 4904, 70, 2)), {300, 2, 4904, "mcc"});
  check(rules_of(Suite::gue, "original", task_of("GUE/prom_300_tata", 4904, 300, 2)), {300, 2, 4904, "mcc"});
  check(rules_of(Suite::gue, "original", task_of("mouse/2", 2620, 101, 2, true)), {101, 3, 53'952, "mcc"});
  check(rules_of(Suite::gue, "original", task_of("mouse_1", 100, 101, 2)), {101, 2, 6478, "mcc"});
  check(rules_of(Suite::gue, "original", task_of("EMP/H3K4me1", 100, 500, 2)), {500, 2, 25'341, "mcc"});
  check(rules_of(Suite::gue, "original", task_of("human_tf_0", 100, 101, 2)), {101, 2, 32'378, "mcc"});
  check(rules_of(Suite::gue, "original", task_of("mine/other", 50, 33, 4)), {33, 4, 50, "mcc"});
  check(rules_of(Suite::gue, "strict", task_of("mouse/2", 30, 101, 2)), {101, 2, 0, "mcc"});
  // dev counts for the length, and validates.
  check(rules_of(Suite::gue, "strict", task_of("mouse/2", 30, 101, 2, true)), {202, 2, 0, "mcc", true});
  // Train and test together.
  check(rules_of(Suite::genomic_benchmarks, "original", task_of("human_ocr_ensembl", 40, 593, 2)),
        {512, 2, 47, "accuracy"});
  // Two sets of tasks share their names; the length tells.
  check(rules_of(Suite::nucleotide_transformer_tasks, "original", task_of("enhancers", 30, 200, 2)),
        {200, 2, 30, "mcc"});
  check(rules_of(Suite::nucleotide_transformer_tasks, "original", task_of("enhancers", 30, 400, 2)),
        {400, 2, 30, "mcc"});
  check(rules_of(Suite::nucleotide_transformer_tasks, "original", task_of("promoter_tata", 30, 300, 2)),
        {300, 2, 30, "f1"});
}

TEST_CASE("settings: the scripts' defaults, and values that make no sense") {
  const Task task = task_of("mouse/2", 30, 101, 2);
  const auto of = [&](const char* model, const std::string& given) {
    return settings_of(Suite::gue, {{task.name, model, "char", "strict", 1, given}, {}}, task, "fp32");
  };
  const RunSettings cnn = of("cnn", "{}");
  CHECK(cnn.batch_size == 64);
  CHECK(cnn.epochs == 10);
  CHECK(cnn.d_model == 0);
  CHECK(!cnn.rc_augment);
  const RunSettings ph = of("caduceus-ph", "{\"learning_rate\":0.002,\"epochs\":3}");
  CHECK(ph.batch_size == 128);
  CHECK(ph.conjoin == "test");
  CHECK(ph.rc_augment);
  CHECK(ph.d_model == 118);
  CHECK(ph.learning_rate == 0.002);
  CHECK(ph.epochs == 3);
  CHECK(of("mamba", "{}").rc_augment);
  CHECK(!of("caduceus-ps", "{}").rc_augment);
  CHECK(ph.json() ==
        "{\"batch_size\":128,\"classes\":2,\"conjoin\":\"test\",\"d_model\":118,\"epochs\":3,\"frozen\":false,"
        "\"learning_rate\":0.002,\"max_length\":101,\"n_layer\":4,\"patience\":0,\"precision\":\"fp32\","
        "\"rc_augment\":true,\"schedule_samples\":0,\"select\":\"mcc\",\"validation\":\"split\",\"weight_decay\":0.1}");

  CHECK(refusal(task, "cnn", "{\"epochs\":0}") ==
        "hyperparameter epochs: bad value; expected a whole number from 1 to 1048576, found 0");
  CHECK(refusal(task, "cnn", "{\"epochs\":1.5}") ==
        "hyperparameter epochs: bad value; expected a whole number from 1 to 1048576, found 1.5");
  CHECK(refusal(task, "cnn", "{\"learning_rate\":\"x\"}") ==
        "hyperparameter learning_rate: bad value; expected a finite number above 0, found \"x\"");
  CHECK(refusal(task, "cnn", "{\"select\":\"loss\"}") ==
        "hyperparameter select: unknown value; expected one of accuracy, mcc, f1, found \"loss\"");
  CHECK(refusal(task, "cnn", "{\"conjoin\":\"test\"}") ==
        "hyperparameter conjoin: the CNN is trained as a whole, on one strand; expected none, found test");
  CHECK(refusal(task, "cnn", "{\"d_model\":8}") ==
        "hyperparameter d_model: the CNN has no such size; expected none, found 8");
  CHECK(refusal(task, "cnn", "{}", "bf16") == "--precision: the CNN has no bfloat16; expected fp32, found bf16");
  CHECK(refusal(task, "mamba", "{}", "bf16") == "accepted");
}
