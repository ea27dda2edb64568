// Prints ligase's metrics for JSON on stdin, for tests/peers/metrics_sklearn.py: each line is
// {"classes": K, "truth": [...], "probabilities": [[...], ...], "batch": B}, and gives one line back.
#include <ligase/io/json.hpp>
#include <ligase/tasks/metrics.hpp>

#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

int main() {
  try {
    for (std::string line; std::getline(std::cin, line);) {
      const auto json = ligase::parse_json(line, "stdin");
      const auto classes = ligase::require<ligase::Index>(json, "classes", "stdin");
      const auto truth = ligase::require<std::vector<ligase::Index>>(json, "truth", "stdin");
      const auto p = ligase::require<std::vector<std::vector<double>>>(json, "probabilities", "stdin");
      ligase::ClassificationScores scores(classes);
      for (std::size_t row = 0; row < truth.size(); ++row) scores.add_probabilities(truth[row], p.at(row));
      const ligase::ClassificationMetrics m = scores.metrics();
      const ligase::BatchMeans means = scores.batch_means(ligase::require<ligase::Index>(json, "batch", "stdin"));
      ligase::Json matrix = ligase::Json::array();
      for (ligase::Index i = 0; i < classes; ++i)
        for (ligase::Index j = 0; j < classes; ++j) matrix.push_back(scores.confusion().at(i, j));
      const ligase::Json out{{"accuracy", m.accuracy},
                             {"mcc", m.mcc},
                             {"f1", m.f1},
                             {"precision", m.precision},
                             {"recall", m.recall},
                             {"auroc", m.auroc},
                             {"auprc", m.auprc},
                             {"f1_macro", m.f1_macro},
                             {"precision_macro", m.precision_macro},
                             {"recall_macro", m.recall_macro},
                             {"calibration_error", m.calibration_error},
                             {"brier", m.brier},
                             {"mcc_batch_mean", means.mcc},
                             {"f1_batch_mean", means.f1},
                             {"precision_batch_mean", means.precision},
                             {"recall_batch_mean", means.recall},
                             {"confusion", matrix}};
      std::puts(ligase::dump_json(out, -1).c_str());
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "metrics_json: %s\n", e.what());
    return 1;
  }
}
