#include <finetune/protocol.hpp>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace ligase_cli {
namespace {

/// A task as a configuration file of the originals has it.
struct KnownTask {
  std::string_view name;
  Index samples, classes, max_length;
  std::string_view metric = "mcc";
};

/// configs/dataset/genomic_benchmark.yaml; `train_len` there is train and test together.
constexpr KnownTask genomic_benchmarks[] = {{"dummy_mouse_enhancers_ensembl", 1210, 2, 1024, "accuracy"},
                                            {"demo_coding_vs_intergenomic_seqs", 100'000, 2, 200, "accuracy"},
                                            {"demo_human_or_worm", 100'000, 2, 200, "accuracy"},
                                            {"human_enhancers_cohn", 27'791, 2, 500, "accuracy"},
                                            {"human_enhancers_ensembl", 154'842, 2, 512, "accuracy"},
                                            {"human_ensembl_regulatory", 289'061, 3, 512, "accuracy"},
                                            {"human_nontata_promoters", 36'131, 2, 251, "accuracy"},
                                            {"human_ocr_ensembl", 174'756, 2, 512, "accuracy"}};

/// configs/dataset/gue.yaml as it stands: mouse_1 has mouse_0's size, mouse_2 has mouse_1's and three classes, prom_core is
/// padded to 300.
constexpr KnownTask gue[] = {{"emp_h3", 11'971, 2, 500},
                             {"emp_h3k14ac", 26'438, 2, 500},
                             {"emp_h3k36me3", 27'904, 2, 500},
                             {"emp_h3k4me1", 25'341, 2, 500},
                             {"emp_h3k4me2", 24'545, 2, 500},
                             {"emp_h3k4me3", 29'439, 2, 500},
                             {"emp_h3k79me3", 23'069, 2, 500},
                             {"emp_h3k9ac", 22'224, 2, 500},
                             {"emp_h4", 11'679, 2, 500},
                             {"emp_h4ac", 27'275, 2, 500},
                             {"tf_0", 32'378, 2, 101},
                             {"tf_1", 30'672, 2, 101},
                             {"tf_2", 19'000, 2, 101},
                             {"tf_3", 27'294, 2, 101},
                             {"tf_4", 19'000, 2, 101},
                             {"mouse_0", 6478, 2, 101},
                             {"mouse_1", 6478, 2, 101},
                             {"mouse_2", 53'952, 3, 101},
                             {"mouse_3", 1904, 2, 101},
                             {"mouse_4", 15'064, 2, 101},
                             {"prom_300_all", 47'356, 2, 300},
                             {"prom_300_notata", 42'452, 2, 300},
                             {"prom_300_tata", 4904, 2, 300},
                             {"prom_core_all", 47'356, 2, 300},
                             {"prom_core_notata", 42'452, 2, 300},
                             {"prom_core_tata", 4904, 2, 300},
                             {"splice_reconstructed", 36'496, 3, 400},
                             {"virus_covid", 73'335, 9, 999}};

/// configs/dataset/nucleotide_transformer.yaml, and the same of the revised tasks.
constexpr KnownTask nucleotide_transformer[] = {{"enhancers", 14'968, 2, 200},
                                                {"enhancers_types", 14'968, 3, 200},
                                                {"h3", 13'468, 2, 500},
                                                {"h3k4me1", 28'509, 2, 500},
                                                {"h3k4me2", 27'614, 2, 500},
                                                {"h3k4me3", 33'119, 2, 500},
                                                {"h3k9ac", 25'003, 2, 500},
                                                {"h3k14ac", 29'743, 2, 500},
                                                {"h3k36me3", 31'392, 2, 500},
                                                {"h3k79me3", 25'953, 2, 500},
                                                {"h4", 13'140, 2, 500},
                                                {"h4ac", 30'685, 2, 500},
                                                {"promoter_all", 53'276, 2, 300, "f1"},
                                                {"promoter_no_tata", 47'767, 2, 300, "f1"},
                                                {"promoter_tata", 5517, 2, 300, "f1"},
                                                {"splice_sites_acceptors", 19'961, 2, 600, "f1"},
                                                {"splice_sites_donors", 19'775, 2, 600, "f1"},
                                                {"splice_sites_all", 27'000, 3, 400, "accuracy"},
                                                {"promoter_all", 30'000, 2, 300, "f1"},
                                                {"promoter_tata", 5062, 2, 300, "f1"},
                                                {"promoter_no_tata", 30'000, 2, 300, "f1"},
                                                {"enhancers", 30'000, 2, 400},
                                                {"enhancers_types", 30'000, 3, 400},
                                                {"splice_sites_all", 30'000, 3, 600, "accuracy"},
                                                {"splice_sites_acceptors", 30'000, 2, 600, "f1"},
                                                {"splice_sites_donors", 30'000, 2, 600, "f1"},
                                                {"h2afz", 30'000, 2, 1000},
                                                {"h3k27ac", 30'000, 2, 1000},
                                                {"h3k27me3", 30'000, 2, 1000},
                                                {"h3k36me3", 30'000, 2, 1000},
                                                {"h3k4me1", 30'000, 2, 1000},
                                                {"h3k4me2", 30'000, 2, 1000},
                                                {"h3k4me3", 30'000, 2, 1000},
                                                {"h3k9ac", 23'274, 2, 1000},
                                                {"h3k9me3", 27'438, 2, 1000},
                                                {"h4k20me1", 30'000, 2, 1000}};

std::vector<KnownTask> known_tasks(Suite suite) {
  switch (suite) {
    case Suite::genomic_benchmarks: return {std::begin(genomic_benchmarks), std::end(genomic_benchmarks)};
    case Suite::gue: return {std::begin(gue), std::end(gue)};
    case Suite::nucleotide_transformer_tasks:
      return {std::begin(nucleotide_transformer), std::end(nucleotide_transformer)};
  }
  return {};
}

/// "prom/prom_core_tata" -> "prom_prom_core_tata"
std::string plain_name(std::string name) {
  for (char& c : name) c = c == '/' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return name;
}

bool names_task(std::string_view folder, std::string_view task) {
  return folder.ends_with(task) && (folder.size() == task.size() || folder[folder.size() - task.size() - 1] == '_');
}

Index longest(const ligase::Task& task) {
  std::size_t length = 1;
  const auto look = [&](const ligase::TaskSplit& split) {
    for (const ligase::LabelledSequence& row : split.rows) length = std::max(length, row.letters.size());
  };
  look(task.train);
  if (task.dev) look(*task.dev);
  return static_cast<Index>(length);
}

}  // namespace

Index usual_epochs(Suite suite) { return suite == Suite::nucleotide_transformer_tasks ? 20 : 10; }

TaskRules rules_of(Suite suite, const std::string& protocol, const ligase::Task& task) {
  const auto rows = static_cast<Index>(task.train.rows.size()), classes = static_cast<Index>(task.classes.size());
  TaskRules rules{longest(task), classes, 0, suite == Suite::genomic_benchmarks ? "accuracy" : "mcc", false};
  const std::string name = plain_name(task.name);

  // The longest name that fits; of two tasks of one name the one whose length and size are nearest.
  const std::vector<KnownTask> tasks = known_tasks(suite);
  const KnownTask* found = nullptr;
  const auto distance = [&](const KnownTask& t) {
    return std::pair(std::abs(t.max_length - rules.max_length), std::abs(t.samples - rows));
  };
  for (const KnownTask& candidate : tasks) {
    if (!names_task(name, candidate.name)) continue;
    if (found == nullptr || candidate.name.size() > found->name.size() ||
        (candidate.name == found->name && distance(candidate) < distance(*found)))
      found = &candidate;
  }
  if (found != nullptr) rules.metric = found->metric;
  if (protocol == "strict") {
    rules.validate_on_dev = task.dev.has_value();
    return rules;
  }
  rules.schedule_samples = rows;
  if (suite == Suite::genomic_benchmarks) rules.schedule_samples += static_cast<Index>(task.test.rows.size());
  if (found == nullptr) return rules;
  rules.max_length = found->max_length;
  rules.classes = std::max(classes, found->classes);
  if (suite == Suite::gue) rules.schedule_samples = found->samples;
  return rules;
}

}  // namespace ligase_cli
