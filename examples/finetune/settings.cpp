#include <finetune/settings.hpp>

#include <ligase/core/error.hpp>
#include <ligase/io/json.hpp>
#include <ligase/models/cnn.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace ligase_cli {
namespace {

using ligase::Error;
using ligase::ErrorKind;
using ligase::Json;

[[noreturn]] void refuse(const std::string& name, std::string what, std::string expected, std::string found) {
  throw Error{{.kind = ErrorKind::usage,
               .what = std::move(what),
               .where = "hyperparameter " + name,
               .expected = std::move(expected),
               .found = std::move(found)}};
}

/// Values that were given lie over defaults.
class Given {
 public:
  explicit Given(const std::string& text) : json_(ligase::parse_json(text, "hyperparameters")) {}

  void whole(const char* name, Index least, Index most, Index& value) const {
    const auto found = json_.find(name);
    if (found == json_.end()) return;
    const double x = found->is_number() ? found->get<double>() : -1;
    if (!(x >= static_cast<double>(least) && x <= static_cast<double>(most)) || x != std::floor(x))
      refuse(name, "bad value", "a whole number from " + std::to_string(least) + " to " + std::to_string(most),
             ligase::dump_json(*found, -1));
    value = static_cast<Index>(x);
  }
  void real(const char* name, bool zero_allowed, double& value) const {
    const auto found = json_.find(name);
    if (found == json_.end()) return;
    const double x = found->is_number() ? found->get<double>() : -1;
    if (!std::isfinite(x) || x < 0 || (x == 0 && !zero_allowed))
      refuse(name, "bad value", zero_allowed ? "a finite number of at least 0" : "a finite number above 0",
             ligase::dump_json(*found, -1));
    value = x;
  }
  void flag(const char* name, bool& value) const {
    const auto found = json_.find(name);
    if (found == json_.end()) return;
    if (!found->is_boolean()) refuse(name, "bad value", "true or false", ligase::dump_json(*found, -1));
    value = found->get<bool>();
  }
  void choice(const char* name, const std::vector<std::string>& allowed, std::string& value) const {
    const auto found = json_.find(name);
    if (found == json_.end()) return;
    std::string list;
    for (const std::string& one : allowed) list += (list.empty() ? "" : ", ") + one;
    if (!found->is_string() || std::find(allowed.begin(), allowed.end(), found->get<std::string>()) == allowed.end())
      refuse(name, "unknown value", "one of " + list, ligase::dump_json(*found, -1));
    value = found->get<std::string>();
  }

 private:
  Json json_;
};

}  // namespace

const std::vector<std::string>& hyperparameter_names() {
  static const std::vector<std::string> names{"max_length", "epochs",  "batch_size", "learning_rate", "weight_decay",
                                              "patience",   "d_model", "n_layer",    "rc_augment",    "frozen",
                                              "conjoin",    "select",  "validation"};
  return names;
}

std::string RunSettings::json() const {
  Json json{{"max_length", max_length},
            {"classes", classes},
            {"schedule_samples", schedule_samples},
            {"epochs", epochs},
            {"batch_size", batch_size},
            {"learning_rate", learning_rate},
            {"weight_decay", weight_decay},
            {"patience", patience},
            {"rc_augment", rc_augment},
            {"frozen", frozen},
            {"conjoin", conjoin},
            {"select", select},
            {"validation", validation},
            {"precision", precision}};
  if (d_model > 0) json["d_model"] = d_model;
  if (n_layer > 0) json["n_layer"] = n_layer;
  if (!checkpoint.empty()) json["checkpoint"] = checkpoint;
  return ligase::dump_json(json, -1);
}

namespace {

Index longest_in_tokens(const ligase::Task& task, const ligase::AnyTokenizer& tokenizer) {
  std::size_t longest = 1;
  for (const ligase::TaskSplit* split : {&task.train, task.dev ? &*task.dev : &task.train})
    for (const ligase::LabelledSequence& row : split->rows)
      longest = std::max(longest, tokenizer.encode(row.letters).size());
  return static_cast<Index>(longest);
}

}  // namespace

RunSettings settings_of(Suite suite, const SweepRun& run, const ligase::Task& task, const std::string& precision,
                        const ligase::AnyTokenizer& tokenizer) {
  const TaskRules rules = rules_of(suite, run.run.protocol, task);
  const std::string& model = run.run.model;
  const bool cnn = model == "cnn";
  RunSettings s;
  s.tokenizer = tokenizer;
  // Letters are not tokens: strict rows are as long as the longest sequence in tokens. The original keeps its numbers.
  s.max_length = run.run.protocol == "strict" && !ligase::reads_single_bases(tokenizer) ? longest_in_tokens(task, tokenizer)
                                                                                        : rules.max_length;
  s.classes = rules.classes;
  s.schedule_samples = rules.schedule_samples;
  s.select = rules.metric;
  s.validation = rules.validate_on_dev ? "dev" : "split";
  s.epochs = usual_epochs(suite);
  s.batch_size = cnn ? 64 : 128;
  s.learning_rate = 1e-3;
  s.rc_augment = model == "mamba";
  s.conjoin = model == "caduceus-ph" ? "test" : "none";
  s.precision = precision;
  s.checkpoint = run.checkpoint;
  if (!cnn && s.checkpoint.empty()) s.d_model = 118, s.n_layer = 4;

  const Given given(run.run.hyperparameters);
  given.whole("max_length", 1, 1 << 24, s.max_length);
  given.whole("epochs", 1, 1 << 20, s.epochs);
  given.whole("batch_size", 1, 1 << 20, s.batch_size);
  given.whole("patience", 0, 1 << 20, s.patience);
  given.real("learning_rate", false, s.learning_rate);
  given.real("weight_decay", true, s.weight_decay);
  given.flag("rc_augment", s.rc_augment);
  given.flag("frozen", s.frozen);
  given.choice("conjoin", {"none", "test", "train"}, s.conjoin);
  given.choice("select", {"accuracy", "mcc", "f1"}, s.select);
  given.choice("validation", {"split", "dev"}, s.validation);
  Index d_model = 0, n_layer = 0;
  given.whole("d_model", 1, 1 << 16, d_model);
  given.whole("n_layer", 1, 1 << 12, n_layer);
  if ((d_model > 0 || n_layer > 0) && (cnn || !s.checkpoint.empty()))
    refuse(d_model > 0 ? "d_model" : "n_layer", cnn ? "the CNN has no such size" : "sizes are the checkpoint's", "none",
           std::to_string(std::max(d_model, n_layer)));
  if (d_model > 0) s.d_model = d_model;
  if (n_layer > 0) s.n_layer = n_layer;

  if (s.validation == "dev" && !task.dev)
    refuse("validation", "task " + task.name + " has no dev split", "split", "dev");
  if (cnn && s.max_length < ligase::CnnConfig::shortest_input)
    refuse("max_length", "too short for the CNN on task " + task.name,
           "at least " + std::to_string(ligase::CnnConfig::shortest_input), std::to_string(s.max_length));
  if (cnn && (s.conjoin != "none" || s.frozen))
    refuse(s.frozen ? "frozen" : "conjoin", "the CNN is trained as a whole, on one strand", s.frozen ? "false" : "none",
           s.frozen ? "true" : s.conjoin);
  if (cnn && s.precision == "bf16")
    throw Error{{.kind = ErrorKind::usage,
                 .what = "the CNN has no bfloat16",
                 .where = "--precision",
                 .expected = "fp32",
                 .found = "bf16"}};
  if (cnn && !s.checkpoint.empty()) refuse("checkpoint", "the CNN starts from scratch", "none", s.checkpoint);
  // As the original: one random strand in training where evaluation averages over both.
  if (s.conjoin == "test" && model != "caduceus-ps") s.rc_augment = true;
  return s;
}

}  // namespace ligase_cli
