#pragma once

#include <device/op_runs.hpp>

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

namespace ligase_test {

inline void check_equal(const Arrays& found, const Arrays& expected) {
  CHECK(found.size() == expected.size());
  for (const auto& [name, a] : expected) {
    const std::string& tensor = name;
    CAPTURE(tensor);
    CHECK(found.at(name).shape == a.shape);
    CHECK(found.at(name).values == a.values);
  }
}

/// Compares all results of `runs` with the same cases on the naive device in double.
inline void check_against_naive(const std::vector<OpRun>& runs, bool in_float) {
  const auto references = naive_double_runs();
  REQUIRE(runs.size() == references.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const OpRun &run = runs[i], &reference = references[i];
    CAPTURE(run.title);
    REQUIRE(run.title == reference.title);
    const Arrays inputs = draw_inputs(run), gradients = draw_gradients(reference.run(1, inputs, {}).first);
    const auto [expected, expected_gradients] = reference.run(1, inputs, gradients);
    const auto [found, found_gradients] = run.run(2, inputs, gradients);
    const auto compare = [](const Arrays& results, const Arrays& references_of_them, double bound) {
      CHECK(results.size() == references_of_them.size());
      for (const auto& [name, a] : references_of_them) {
        const std::string& tensor = name;
        CAPTURE(tensor);
        CHECK(results.at(name).shape == a.shape);
        CHECK(distance(results.at(name), a) <= bound);
      }
    };
    compare(found, expected, in_float ? run.bound : 1e-13);
    compare(found_gradients, expected_gradients, in_float ? run.gradient_bound : 1e-12);
  }
}

/// The batch that holds the given sequences, in this order.
inline Array choose(const Array& a, Role role, const std::vector<Index>& sequences) {
  if (role == Role::whole) return a;
  const Index strands = role == Role::strands ? 2 : 1, batch = a.shape[0] / strands;
  const Index row = a.shape.count() / a.shape[0];
  Array chosen;
  chosen.shape.push_back(strands * static_cast<Index>(sequences.size()));
  for (int d = 1; d < a.shape.rank(); ++d) chosen.shape.push_back(a.shape[d]);
  for (Index strand = 0; strand < strands; ++strand)
    for (Index s : sequences) {
      const auto from = a.values.begin() + (strand * batch + s) * row;
      chosen.values.insert(chosen.values.end(), from, from + row);
    }
  return chosen;
}

/// The test's sizes with batches of three sequences.
inline std::vector<Sizes> three_sequences(std::vector<Sizes> sizes) {
  for (Sizes& s : sizes) s.batch = 3;
  return sizes;
}

/// Cases of three sequences: bits of a sequence depend neither on its place in the batch nor on its neighbours.
inline void check_places(const std::vector<OpRun>& runs) {
  for (const OpRun& run : runs) {
    CAPTURE(run.title);
    const Arrays inputs = draw_inputs(run), gradients = draw_gradients(run.run(1, inputs, {}).first);
    const auto [out, din] = run.run(2, inputs, gradients);
    for (const std::vector<Index>& sequences : {std::vector<Index>{0}, {1}, {2}, {2, 0, 1}}) {
      std::map<std::string, Role> roles = run.outputs;
      Arrays part, part_gradients;
      for (const Input& input : run.inputs) part[input.name] = choose(inputs.at(input.name), input.role, sequences);
      for (const auto& [name, g] : gradients) part_gradients[name] = choose(g, roles.at(name), sequences);
      const auto [part_out, part_din] = run.run(2, part, part_gradients);
      for (const auto& [name, role] : roles)
        if (role != Role::whole)
          check_equal({{name, part_out.at(name)}}, {{name, choose(out.at(name), role, sequences)}});
      for (const Input& input : run.inputs)
        if (input.role != Role::whole && run.gradients != Role::whole && din.contains(input.name))
          check_equal({{input.name, part_din.at(input.name)}},
                      {{input.name, choose(din.at(input.name), input.role, sequences)}});
    }
  }
}

/// Cases give the same bits after `change` as before.
template <class F>
void check_same_after(const std::vector<OpRun>& runs, F change) {
  std::vector<std::pair<Arrays, Arrays>> results;
  const auto compute = [](const OpRun& run) {
    const Arrays inputs = draw_inputs(run);
    return run.run(1, inputs, draw_gradients(run.run(1, inputs, {}).first));
  };
  for (const OpRun& run : runs) results.push_back(compute(run));
  change();
  for (std::size_t i = 0; i < runs.size(); ++i) {
    CAPTURE(runs[i].title);
    const auto [out, din] = compute(runs[i]);
    check_equal(out, results[i].first);
    check_equal(din, results[i].second);
  }
}

}  // namespace ligase_test
