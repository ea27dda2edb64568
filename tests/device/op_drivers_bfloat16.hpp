#pragma once

#include <device/op_runs.hpp>

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace ligase_test {

/// Numbers that bfloat16 holds, so that distances are those of the operation alone.
inline Array rounded(Array a) {
  for (double& v : a.values) v = static_cast<float>(ligase::bfloat16(v));
  return a;
}

namespace bfloat16_detail {

inline bool begins(const std::string& text, const char* beginning) { return text.rfind(beginning, 0) == 0; }

/// Whether the operation only moves or chooses numbers.
inline bool only_moves(const OpRun& run) {
  return run.header == "split" || run.header == "transpose" || run.header == "relu" || run.header == "max_pool" ||
         (run.header == "strands" && !begins(run.title, "join")) ||
         (run.header == "pooling" && !begins(run.title, "pool mean"));
}

/// Rounding to nearest moves a number by at most 2^-9 of itself, about 0.17 % in the mean square. Behind a result in bfloat16
/// stand one to three roundings that count: its own, those of weights, that of a product before the bias. Results in float
/// come from float arithmetic on numbers that both sides hold. add_norm normalises a rounded sum, so there all results have
/// roundings behind them. `apart` says that the gate of a scan is an operation of its own, before which y and its gradient are
/// rounded. A mixer rounds after each of its dozen operations, and its gradients pass through the rounded
/// states of both passes; of one token, sums over tokens even nothing out.
inline double bound(const OpRun& run, bool in_float, bool apart) {
  if (run.header == "mixer") return run.inputs.front().shape[1] == 1 ? 5e-2 : 2e-2;
  if (run.header == "add_norm") return 1e-2;
  if (apart && run.header == "scan" && run.title.find("gate") != run.title.npos) return 1e-2;
  if (only_moves(run)) return 0;
  return in_float ? run.gradient_bound : 4e-3;
}

inline void compare(const OpRun& run, const Arrays& found, const Arrays& expected,
                    const std::set<std::string>& in_float, bool apart) {
  CHECK(found.size() == expected.size());
  for (const auto& [name, a] : expected) {
    const std::string& tensor = name;
    CAPTURE(tensor);
    CHECK(found.at(name).shape == a.shape);
    CHECK(distance(found.at(name), a) <= bound(run, in_float.contains(name), apart));
  }
}

}  // namespace bfloat16_detail

/// Compares all results of cases on bfloat16, whose weights, statistics and sums are float, with the naive device in double.
inline void check_bfloat16_against_naive(const std::vector<OpRun>& runs, bool gate_apart = false) {
  std::map<std::string, OpRun> references;
  for (OpRun& run : naive_double_runs()) references[run.title] = std::move(run);
  for (const OpRun& run : runs) {
    CAPTURE(run.title);
    const OpRun& reference = references.at(run.title);
    Arrays inputs = draw_inputs(run);
    std::set<std::string> in_float{"loss", "final_state"};
    for (const Input& input : run.inputs)
      if (input.wide)
        in_float.insert(input.name);
      else if (input.below == 0)
        inputs[input.name] = rounded(inputs[input.name]);
    Arrays gradients = draw_gradients(reference.run(1, inputs, {}).first);
    for (auto& [name, a] : gradients) a = rounded(a);
    const auto [expected, expected_gradients] = reference.run(1, inputs, gradients);
    const auto [found, found_gradients] = run.run(1, inputs, gradients);
    bfloat16_detail::compare(run, found, expected, in_float, gate_apart);
    bfloat16_detail::compare(run, found_gradients, expected_gradients, in_float, gate_apart);
  }
}

}  // namespace ligase_test
